use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops;

use crate::context::Context;
use crate::print::{self, GOOD, paint};
use crate::report::Report;

/// Cancel a request that has no answer yet
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The request's id, or the start of it
    id: String,
}

impl Cancel {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let cancelled = context.ask(ops::Cancel { id: self.id }).await?;
        let text = format!(
            "{} took back the request of {} to {} ({})",
            paint(GOOD, "✓"),
            print::plain(&cancelled.skill),
            cancelled.peer.short(),
            cancelled.id
        );
        Ok(Report::text(text).fields(&cancelled))
    }
}

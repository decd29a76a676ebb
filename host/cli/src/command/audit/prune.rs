use std::time::Duration;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::AuditPrune;

use crate::command::request::span;
use crate::context::Context;
use crate::print::{self, CODE, DIM, GOOD, paint};
use crate::report::Report;

/// Delete old entries for good; the rest can still be verified
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Delete entries older than this, such as 365d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    older_than: Duration,
}

impl Prune {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let pruned = context.ask(AuditPrune { older_than: self.older_than }).await?;
        let rows = print::count(usize::try_from(pruned.rows).unwrap_or(usize::MAX), "row");
        let text = match &pruned.up_to {
            Some(head) => {
                let up_to = paint(DIM, "the last of them:");
                format!("{} {rows} thrown away\n  {up_to} {}", paint(GOOD, "✓"), paint(CODE, head))
            }
            None => "Nothing is that old.".to_owned(),
        };
        Ok(Report::text(text).fields(&pruned))
    }
}

use clap::Args;
use coworker_api::ApiError;

use super::{Which, told};
use crate::context::Context;
use crate::print::{self, WARN, paint};
use crate::report::Report;

/// Show the contents of a receipt
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    which: Which,
}

impl Show {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let shown = self.which.read(context).await?;
        let mut text = shown.info.receipt.as_ref().map(told).unwrap_or_default();
        if shown.info.state == "disputed" {
            let not_ours =
                "this agent did not agree with it and signed nothing: coworker audit log tells why";
            text = format!("{text}\n{} {}", paint(WARN, "!"), print::plain(not_ours));
        }
        Ok(Report::text(text).fields(&shown))
    }
}

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::TaskResult;

use crate::context::{Context, now_ms};
use crate::print::{self, DIM, ago, paint};
use crate::report::Report;

/// Print the result of a request; exit code 3 while there is none yet
#[derive(Debug, Args)]
pub(crate) struct ResultOf {
    /// The request's id, or the start of it
    id: String,

    /// Wait for the result; Ctrl-C stops the waiting, not the request
    #[arg(long)]
    wait: bool,

    /// With --wait: give up after this many seconds
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    timeout: Option<f64>,
}

impl ResultOf {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let ask = TaskResult { id: self.id, wait: self.wait, timeout: self.timeout };
        let came = context.ask_live(ask, false).await?;
        if !context.json {
            let answered = came.done_ms.map(|at| format!("answered {}, ", ago(now_ms(), at)));
            print::note(&paint(DIM, &format!("{}request {}", answered.unwrap_or_default(), came.id)));
        }
        Ok(Report::text(print::plain_json(&came.output)).fields(&came))
    }
}

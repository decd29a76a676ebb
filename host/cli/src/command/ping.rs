use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops;

use crate::context::Context;
use crate::print::{self, GOOD, paint};
use crate::report::Report;

/// Check that a peer answers over the encrypted session
#[derive(Debug, Args)]
pub(crate) struct Ping {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    timeout: f64,
}

impl Ping {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let pong = context.ask(ops::Ping { peer: self.peer.clone(), timeout: self.timeout }).await?;
        let text = format!(
            "{} {} answered in {:.1} ms",
            paint(GOOD, "✓"),
            print::plain(&self.peer),
            pong.round_trip_ms
        );
        Ok(Report::text(text).fields(&pong))
    }
}

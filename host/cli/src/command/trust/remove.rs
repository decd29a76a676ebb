use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::TrustRemove;

use crate::context::Context;
use crate::report::Report;

/// Remove a trust decision: the peer becomes UNTRUSTED and its running calls stop
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The peer's name, its id, or the start of its id
    peer: String,
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let trusted = context.ask(TrustRemove { peer: self.peer.clone() }).await?;
        Ok(Report::text(super::set::text(&trusted, &self.peer)).fields(&trusted))
    }
}

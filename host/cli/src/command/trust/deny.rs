use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::TrustDeny;

use crate::context::Context;
use crate::report::Report;

/// Deny a peer's request for trust
#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// The peer's name, its id, or the start of its id
    peer: String,
}

impl Deny {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let answered = context.ask(TrustDeny { peer: self.peer.clone() }).await?;
        Ok(Report::text(super::accept::text(&answered, &self.peer)).fields(&answered))
    }
}

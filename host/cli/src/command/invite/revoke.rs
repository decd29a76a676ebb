use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::InviteRevoke;

use crate::context::Context;
use crate::print::{BOLD, GOOD, paint};
use crate::report::Report;

/// Revoke an invite; peers that used it keep their tier
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The invite's id, or the start of it (coworker invite list)
    id: String,
}

impl Revoke {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let revoked = context.ask(InviteRevoke { id: self.id }).await?;
        let text =
            format!("{} invite {} grants nothing any more", paint(GOOD, "✓"), paint(BOLD, &revoked.id));
        Ok(Report::text(text).fields(&revoked))
    }
}

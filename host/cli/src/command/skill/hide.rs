use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillHide;

use crate::context::Context;
use crate::report::Report;

/// Hide a skill from all peers and stop its running calls
#[derive(Debug, Args)]
pub(crate) struct Hide {
    /// The skill
    name: String,
}

impl Hide {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let listed = context.ask(SkillHide { name: self.name }).await?;
        Ok(Report::text(super::expose::text(&listed)).fields(&listed))
    }
}

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{SkillList, SkillRemove, SkillRemoved};
use coworker_policy::SkillName;

use crate::context::Context;
use crate::print::{BOLD, GOOD, paint, plain};
use crate::prompt;
use crate::report::Report;
use crate::session::Session;

/// Remove the component that implements a skill, with all its skills
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The skill
    name: String,

    /// Agree without a prompt
    #[arg(long, short)]
    yes: bool,
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let removed = context.with_session(async |session| self.remove(context, session).await).await?;
        let names: Vec<_> = removed.skills.iter().map(SkillName::as_str).collect();
        let text = format!("{} removed {}", paint(GOOD, "✓"), paint(BOLD, &names.join(", ")));
        Ok(Report::text(text).fields(&removed))
    }

    async fn remove(&self, context: &Context, session: &Session) -> Result<SkillRemoved, ApiError> {
        let all = session.run(SkillList { name: None }).await?;
        let of_component =
            all.iter().find(|skill| skill.card.name.as_str() == self.name).map(|skill| skill.component);
        let with = all.iter().filter(|skill| Some(skill.component) == of_component);
        let names: Vec<_> = with.map(|skill| skill.card.name.as_str()).collect();
        // Of a skill that is not there the operation says so; there is nothing to ask.
        if !names.is_empty() {
            let again = context.command(&format!("skill remove {} --yes", plain(&self.name)));
            prompt::agree(context, self.yes, &format!("Remove {}?", names.join(", ")), &again)?;
        }
        session.run(SkillRemove { name: self.name.clone() }).await
    }
}

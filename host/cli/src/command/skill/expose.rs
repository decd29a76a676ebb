use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{Listed, SkillExpose};
use coworker_policy::Tier;

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, paint};
use crate::report::Report;

/// Expose a skill: peers of a tier may see and call it
#[derive(Debug, Args)]
pub(crate) struct Expose {
    /// The skill
    name: String,

    /// The lowest tier that may see and call the skill; untrusted includes strangers
    #[arg(long, value_name = "TIER", default_value = "known")]
    from: Tier,
}

impl Expose {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let listed = context.ask(SkillExpose { name: self.name, from: self.from }).await?;
        Ok(Report::text(text(&listed)).fields(&listed))
    }
}

pub(super) fn text(listed: &Listed) -> String {
    let name = paint(BOLD, listed.name.as_str());
    format!("{} {name} is {} now", paint(GOOD, "✓"), print::listing(listed.listing))
}

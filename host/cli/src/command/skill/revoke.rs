use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillRevoke;
use coworker_policy::Capability;

use super::policy::InForce;
use super::rule;
use crate::context::Context;
use crate::print::{BOLD, GOOD, paint, plain};
use crate::report::Report;

/// Revoke a grant and stop the calls that use it
#[derive(Debug, Args)]
#[command(
    after_help = "What a component has without a grant (state, log, …) is denied; `skill grant` gives it back."
)]
pub(crate) struct Revoke {
    /// The skill
    name: String,

    /// The capability to revoke
    #[arg(value_name = "CAPABILITY", value_parser = rule::parser(), hide_possible_values = true)]
    capability: Capability,

    /// Revoke only this rule, as `skill policy` shows it [default: the whole capability]
    to: Option<String>,
}

impl Revoke {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let Self { name, capability, to } = self;
        let rule = to.as_deref().map(|rule| format!(" {}", plain(rule))).unwrap_or_default();
        let done = format!("{} {} lost {capability}{rule}", paint(GOOD, "✓"), paint(BOLD, &plain(&name)));
        let view = context.ask(SkillRevoke { name, capability, to }).await?;
        Ok(InForce::of(view).report(&done))
    }
}

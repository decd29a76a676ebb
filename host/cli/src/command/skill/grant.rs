use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{Resolved, SkillGrant};
use coworker_policy::{Capability, Tier};

use super::policy::InForce;
use super::rule;
use crate::context::Context;
use crate::print::{BOLD, GOOD, WARN, paint, plain};
use crate::report::Report;

/// Grant a capability to a skill's component, for callers from a tier up
#[derive(Debug, Args)]
#[command(after_help = rule::RULES)]
pub(crate) struct Grant {
    /// The skill
    name: String,

    /// The capability
    #[arg(value_name = "CAPABILITY", value_parser = rule::parser(), hide_possible_values = true)]
    capability: Capability,

    /// Rules that say exactly what is allowed
    to: Vec<String>,

    /// The lowest tier of callers that the grant applies to [default: the capability's own]
    #[arg(long, value_name = "TIER")]
    from: Option<Tier>,
}

impl Grant {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let Self { name, capability, to, from } = self;
        // A capability that every component has needs no grant. It may have been denied, and is given back whole.
        if !Capability::ALWAYS.contains(&capability) || from.is_some() || !to.is_empty() {
            rule::check(capability, &to, from)?;
        }
        let done = format!("{} {} may use {capability} now", paint(GOOD, "✓"), paint(BOLD, &plain(&name)));
        let granted = context.ask(SkillGrant { name, capability, to, from }).await?;
        let done: Vec<String> = std::iter::once(done).chain(granted.resolved.iter().map(resolved)).collect();
        let report = InForce::of(granted.policy).report(&done.join("\n"));
        Ok(report.field("resolved", &granted.resolved))
    }
}

/// Notes that the grant is for the link's target, not for the link.
pub(super) fn resolved(Resolved { typed, folder }: &Resolved) -> String {
    let (typed, folder) = (plain(&typed.display().to_string()), plain(&folder.display().to_string()));
    format!("  {} {typed} leads to {folder}, and that is what is granted", paint(WARN, "!"))
}

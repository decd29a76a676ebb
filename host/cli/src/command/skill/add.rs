use std::path::PathBuf;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{ComponentInfo, SkillAdded};
use coworker_policy::{Capability, Listing, Tier};

use super::allow::Allow;
use super::consent::{self, Installed, Wish};
use super::rule;
use crate::command::wished::Wished;
use crate::context::Context;
use crate::print::{BOLD, CODE, DIM, GOOD, badge, paint};
use crate::report::Report;
use crate::session::Session;

/// Install a component after showing it and asking for consent; its skills are hidden until you expose them
#[derive(Debug, Args)]
#[command(after_help = rule::RULES)]
pub(crate) struct Add {
    /// The component's .wasm file, the folder of a built skill, or a SKILL.md or its folder
    path: PathBuf,

    /// Agree without a prompt
    #[arg(long, short)]
    yes: bool,

    /// Expose the skills at once
    #[arg(long)]
    expose: bool,

    /// With --expose: the lowest tier that may see and call them
    #[arg(long, value_name = "TIER", requires = "expose", default_value = "known")]
    from: Tier,

    /// Add this grant at once (repeatable)
    #[arg(long, value_name = "CAPABILITY[=RULE]")]
    allow: Vec<Allow>,

    #[command(flatten, next_help_heading = "For a SKILL.md")]
    wished: Wished,
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let wish = Wish {
            yes: self.yes,
            expose: self.expose.then_some(self.from),
            allow: self.allow,
            wished: self.wished,
        };
        let install = async |session: &Session| consent::install(context, session, &self.path, &wish).await;
        let Installed { added, warnings } = context.with_session(install).await?;
        let allowed =
            wish.allow.iter().map(|allow| format!("\n  {} {}", paint(DIM, "granted"), allow.told()));
        let report = Report::text(text(&added, context) + &allowed.collect::<String>()).fields(&added);
        Ok(if warnings.is_empty() { report } else { report.field("warnings", &warnings) })
    }
}

pub(crate) fn text(added: &SkillAdded, context: &Context) -> String {
    let names: Vec<_> = added.component.skills.iter().map(|skill| skill.name.as_str()).collect();
    let (done, shown) = (paint(GOOD, "✓"), paint(BOLD, &names.join(", ")));
    match (added.listing, added.already) {
        (Listing::Exposed { from }, _) => format!("{done} {shown} installed, exposed from {}", badge(from)),
        (Listing::Hidden, true) => format!("{done} {shown} was installed already, and is hidden"),
        (Listing::Hidden, false) => {
            let first = names.first().copied().unwrap_or_default();
            let from = useful_from(&added.component);
            let expose =
                paint(CODE, &context.command(&format!("skill expose {first} --from {}", from.name())));
            format!(
                "{done} {shown} installed, hidden from everybody\n  {} {expose}",
                paint(DIM, "let peers see it:")
            )
        }
    }
}

/// Below it, a skill that asks for the language model has none, and every call of it fails.
fn useful_from(component: &ComponentInfo) -> Tier {
    let asks_model = component.asks.iter().any(|ask| ask.capability == Capability::Llm);
    if asks_model { Tier::Internal } else { Tier::Known }
}

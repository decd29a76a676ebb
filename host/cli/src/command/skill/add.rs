use std::path::PathBuf;

use clap::Args;
use coworker_agent::ops::SkillAdded;
use coworker_agent::{OpError, Session};
use coworker_policy::{Listing, Tier};

use super::consent;
use crate::context::Context;
use crate::print::{BOLD, CODE, DIM, GOOD, badge, paint};
use crate::report::Report;

/// Look at a component, agree to it, install it; its skills are hidden until you expose them
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The component's .wasm file
    path: PathBuf,

    /// Agree without being asked
    #[arg(long, short)]
    yes: bool,

    /// Expose its skills at once
    #[arg(long)]
    expose: bool,

    /// With --expose: the lowest tier that may see and call them
    #[arg(long, value_name = "TIER", requires = "expose", default_value = "known")]
    from: Tier,
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let expose = self.expose.then_some(self.from);
        let install =
            async |session: &Session| consent::install(context, session, &self.path, self.yes, expose).await;
        let added = context.with_session(install).await?;
        Ok(Report::text(text(&added, context)).fields(&added))
    }
}

pub(crate) fn text(added: &SkillAdded, context: &Context) -> String {
    let names: Vec<_> = added.component.skills.iter().map(|skill| skill.name.as_str()).collect();
    let (done, shown) = (paint(GOOD, "✓"), paint(BOLD, &names.join(", ")));
    match (added.listing, added.already) {
        (Listing::Exposed { from }, _) => format!("{done} {shown} installed, exposed from {}", badge(from)),
        (Listing::Hidden, true) => format!("{done} {shown} was installed already; nothing changed"),
        (Listing::Hidden, false) => {
            let first = names.first().copied().unwrap_or_default();
            let expose = paint(CODE, &context.command(&format!("skill expose {first} --from known")));
            format!(
                "{done} {shown} installed, hidden from everybody\n  {} {expose}",
                paint(DIM, "let peers see it:")
            )
        }
    }
}

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillPreview;
use coworker_policy::Tier;

use crate::context::Context;
use crate::print::{self, CODE, DIM, badge, paint};
use crate::report::Report;

/// Show the list of skills that a peer of a tier gets
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// untrusted, known, internal or privileged
    #[arg(long, value_name = "TIER")]
    peer_tier: Tier,
}

impl Preview {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let cards = context.ask(SkillPreview { tier: self.peer_tier }).await?;
        let tier = badge(self.peer_tier);
        let text = if cards.is_empty() {
            let expose = context.command(&format!("skill expose NAME --from {}", self.peer_tier.name()));
            format!(
                "A peer that is {tier} sees nothing.\n{} {}",
                paint(DIM, "let it see a skill:"),
                paint(CODE, &expose)
            )
        } else {
            let cards: Vec<_> = cards.iter().map(print::full).collect();
            format!("A peer that is {tier} sees this and nothing else:\n\n{}", cards.join("\n\n"))
        };
        Ok(Report::text(text).field("tier", &self.peer_tier).field("skills", &cards))
    }
}

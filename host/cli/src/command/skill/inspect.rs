use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{AssetInfo, SkillInfo, SkillInspect, SkillInspected};

use super::policy::InForce;
use crate::author;
use crate::context::Context;
use crate::print::{self, DIM, paint};
use crate::report::Report;

/// Show one of your skills
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The skill
    name: String,
}

impl Inspect {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let SkillInspected { skill, policy, unused_exports, assets } =
            context.ask(SkillInspect { name: self.name }).await?;
        let in_force = InForce::of(policy);
        let report = Report::text(text(&skill, &in_force, &unused_exports, &assets));
        let report = report.field("skill", &skill).field("policy", &in_force.told());
        let report = report.field("unused_exports", &unused_exports).field("assets", &assets);
        Ok(report.field("skill_md", &was_skill_md(&assets)))
    }
}

/// Whether it was packed as `skill add` packs a SKILL.md.
fn was_skill_md(assets: &[AssetInfo]) -> bool {
    author::PACKED.iter().all(|path| assets.iter().any(|asset| asset.path == *path))
}

/// The packed files, of which no peer sees anything.
fn packed(assets: &[AssetInfo]) -> String {
    let size = print::bytes(assets.iter().map(|asset| asset.size).sum());
    let own = assets.iter().filter_map(|asset| asset.path.strip_prefix("files/")).count();
    if was_skill_md(assets) {
        let files =
            if own > 0 { format!(" and {} beside it", print::count(own, "file")) } else { String::new() };
        return format!("a SKILL.md{files}, {size}; no peer sees any of it");
    }
    format!("{}, {size}; no peer sees any of it", print::count(assets.len(), "file"))
}

fn text(skill: &SkillInfo, in_force: &InForce, unused: &[String], assets: &[AssetInfo]) -> String {
    let mut lines = vec![print::full(&skill.card)];
    let mut say = |what: &str, is: &str| lines.push(format!("  {} {is}", paint(DIM, &format!("{what:<11}"))));
    say("listing", &print::listing(skill.listing));
    say("component", &skill.component.to_string());
    say("card hash", &skill.card_hash.to_string());
    let asks: Vec<_> = skill.capabilities.iter().map(|c| format!("{} ({})", c.name(), c.meaning())).collect();
    say("asks for", &if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") });
    if !assets.is_empty() {
        say("packed", &packed(assets));
    }
    if !unused.is_empty() {
        let names = print::plain(&unused.join(", "));
        say("unused", &format!("{names} {}", paint(DIM, "(exports that no call reaches)")));
    }
    lines.extend(in_force.lines());
    lines.join("\n")
}

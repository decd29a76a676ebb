use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{SkillInfo, SkillInspect, SkillInspected};

use super::policy::InForce;
use crate::context::Context;
use crate::print::{self, DIM, paint};
use crate::report::Report;

/// All about one of your skills
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The skill
    name: String,
}

impl Inspect {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let SkillInspected { skill, policy, unused_exports } =
            context.ask(SkillInspect { name: self.name }).await?;
        let in_force = InForce::of(policy);
        let report = Report::text(text(&skill, &in_force, &unused_exports));
        let report = report.field("skill", &skill).field("policy", &in_force.told());
        Ok(report.field("unused_exports", &unused_exports))
    }
}

fn text(skill: &SkillInfo, in_force: &InForce, unused: &[String]) -> String {
    let mut lines = vec![print::full(&skill.card)];
    let mut say = |what: &str, is: &str| lines.push(format!("  {} {is}", paint(DIM, &format!("{what:<11}"))));
    say("listing", &print::listing(skill.listing));
    say("component", &skill.component.to_string());
    say("card hash", &skill.card_hash.to_string());
    let asks: Vec<_> = skill.capabilities.iter().map(|c| format!("{} ({})", c.name(), c.meaning())).collect();
    say("asks for", &if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") });
    if !unused.is_empty() {
        let names = print::plain(&unused.join(", "));
        say("unused", &format!("{names} {}", paint(DIM, "(exports that no call reaches)")));
    }
    lines.extend(in_force.lines());
    lines.join("\n")
}

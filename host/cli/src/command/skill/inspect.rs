use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{SkillInfo, SkillList};
use coworker_policy::ErrorCode;

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
        let found = context.ask(SkillList { name: Some(self.name) }).await?.into_iter().next();
        let skill =
            found.ok_or_else(|| OpError::new(ErrorCode::UnknownSkill, "no such skill is installed"))?;
        Ok(Report::text(text(&skill)).field("skill", &skill))
    }
}

fn text(skill: &SkillInfo) -> String {
    let mut lines = vec![print::full(&skill.card)];
    let mut say = |what: &str, is: &str| lines.push(format!("  {} {is}", paint(DIM, &format!("{what:<11}"))));
    say("listing", &print::listing(skill.listing));
    say("component", &skill.component.to_string());
    say("card hash", &skill.card_hash.to_string());
    let asks: Vec<_> = skill.capabilities.iter().map(|c| format!("{} ({})", c.name(), c.meaning())).collect();
    say("asks for", &if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") });
    lines.join("\n")
}

use clap::Args;
use coworker_agent::ops::{SkillInfo, SkillList, SkillPolicy};
use coworker_agent::{OpError, Session};
use coworker_policy::ErrorCode;

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
        let (skill, in_force) = context.with_session(async |session| self.look(session).await).await?;
        let text = text(&skill, &in_force);
        Ok(Report::text(text).field("skill", &skill).field("policy", &in_force.told()))
    }

    async fn look(&self, session: &Session) -> Result<(SkillInfo, InForce), OpError> {
        let found = session.run(SkillList { name: Some(self.name.clone()) }).await?.into_iter().next();
        let skill =
            found.ok_or_else(|| OpError::new(ErrorCode::UnknownSkill, "no such skill is installed"))?;
        let view = session.run(SkillPolicy { name: self.name.clone() }).await?;
        Ok((skill, InForce::of(view)?))
    }
}

fn text(skill: &SkillInfo, in_force: &InForce) -> String {
    let mut lines = vec![print::full(&skill.card)];
    let mut say = |what: &str, is: &str| lines.push(format!("  {} {is}", paint(DIM, &format!("{what:<11}"))));
    say("listing", &print::listing(skill.listing));
    say("component", &skill.component.to_string());
    say("card hash", &skill.card_hash.to_string());
    let asks: Vec<_> = skill.capabilities.iter().map(|c| format!("{} ({})", c.name(), c.meaning())).collect();
    say("asks for", &if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") });
    lines.extend(in_force.lines());
    lines.join("\n")
}

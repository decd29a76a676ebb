use coworker_api::ops::{SkillInfo, SkillList};
use coworker_policy::Skill;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for SkillList {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<SkillInfo>, OpError> {
        let snapshot = agent.catalog.snapshot();
        match self.name {
            Some(name) => Ok(vec![info(snapshot.find(&name).ok_or_else(|| unknown(&name))?)]),
            None => Ok(snapshot.skills().map(|skill| info(skill)).collect()),
        }
    }
}

pub(super) fn info(skill: &Skill) -> SkillInfo {
    SkillInfo {
        card: skill.card().clone(),
        card_hash: skill.hash(),
        component: skill.component(),
        listing: skill.listing(),
        capabilities: skill.imports().clone(),
    }
}

/// The owner named a skill that is not installed.
pub(super) fn unknown(name: &str) -> OpError {
    let name = coworker_policy::Text::sanitized(name);
    OpError::new(coworker_policy::ErrorCode::UnknownSkill, format!("no skill named `{name}` is installed"))
        .suggest("see what is", ["skill", "list"])
}

use coworker_policy::{Card, Digest, Grants, Listing, Skill};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;

/// The installed skills, with who may know of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillList {
    /// Only the skill of this name.
    pub name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct SkillInfo {
    #[serde(flatten)]
    pub card: Card,
    pub card_hash: Digest,
    pub component: Digest,
    pub listing: Listing,
    /// What its component could ever ask for.
    pub capabilities: Grants,
}

impl Operation for SkillList {
    type Answer = Vec<SkillInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<SkillInfo>, OpError> {
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
        .hint("see what is: coworker skill list")
}

use coworker_policy::{Digest, Listing, SkillName, Tier};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operation;
use super::skill_list::unknown;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::catalog::policies::edit;
use crate::state::Transaction;
use crate::state::audit;

/// Lets peers of a tier know of a skill and call it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillExpose {
    pub name: String,
    pub from: Tier,
}

/// Hides a skill from everybody. Calls of it that run are stopped.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillHide {
    pub name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    pub name: SkillName,
    pub listing: Listing,
}

impl Operation for SkillExpose {
    type Answer = Listed;

    async fn run(self, agent: &Agent) -> Result<Listed, OpError> {
        list(agent, &self.name, Listing::Exposed { from: self.from }).await
    }
}

impl Operation for SkillHide {
    type Answer = Listed;

    async fn run(self, agent: &Agent) -> Result<Listed, OpError> {
        list(agent, &self.name, Listing::Hidden).await
    }
}

async fn list(agent: &Agent, name: &str, listing: Listing) -> Result<Listed, OpError> {
    let snapshot = agent.catalog.snapshot();
    let skill = snapshot.find(name).ok_or_else(|| unknown(name))?;
    let (component, skill) = (skill.component(), skill.card().name.clone());
    set(agent, component, &skill, listing).await?;
    Ok(Listed { name: skill, listing })
}

pub(super) async fn set(
    agent: &Agent,
    component: Digest,
    skill: &SkillName,
    listing: Listing,
) -> Result<(), OpError> {
    let (event, detail) = match listing {
        Listing::Hidden => ("skill_hidden", json!({})),
        Listing::Exposed { from } => ("skill_exposed", json!({ "from": from })),
    };
    let name = skill.clone();
    let note = move |tx: &mut Transaction<'_>| audit::skill_changed(tx, event, name.as_str(), &detail);
    agent.catalog.decide(component, |text| edit::set_listing(text, skill, listing), note).await
}

use coworker_policy::{Listing, SkillName, Tier};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operation;
use super::skill_list::unknown;
use crate::agent::Agent;
use crate::error::OpError;
use crate::{audit, catalog_change};

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
    let skill: SkillName = name.parse().map_err(|_| unknown(name))?;
    let on_desk = skill.clone();
    let found = catalog_change::apply(agent, move |work| {
        let found = work.tx.set_listing(&on_desk, listing)?;
        if found {
            let (event, detail) = match listing {
                Listing::Hidden => ("skill_hidden", json!({})),
                Listing::Exposed { from } => ("skill_exposed", json!({ "from": from })),
            };
            audit::skill_changed(work, event, on_desk.as_str(), &detail)?;
        }
        Ok(found)
    })
    .await?;
    if !found {
        return Err(unknown(name));
    }
    Ok(Listed { name: skill, listing })
}

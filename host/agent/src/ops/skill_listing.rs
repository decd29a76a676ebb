use coworker_api::ops::{Listed, SkillExpose, SkillHide};
use coworker_policy::{Digest, Listing, SkillName};
use serde_json::json;

use super::Run;
use super::skill_list::unknown;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::catalog::policies::edit;
use crate::state::Transaction;
use crate::state::audit;

impl Run for SkillExpose {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Listed, OpError> {
        list(agent, &self.name, Listing::Exposed { from: self.from }).await
    }
}

impl Run for SkillHide {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Listed, OpError> {
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

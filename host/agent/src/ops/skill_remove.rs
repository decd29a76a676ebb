use coworker_api::ops::{SkillRemove, SkillRemoved};
use coworker_policy::SkillName;
use serde_json::json;

use super::Run;
use super::skill_list::unknown;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::state::audit;

impl Run for SkillRemove {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<SkillRemoved, OpError> {
        let snapshot = agent.catalog.snapshot();
        let component = snapshot.find(&self.name).ok_or_else(|| unknown(&self.name))?.component();
        let of_component = snapshot.skills().filter(|skill| skill.component() == component);
        let skills: Vec<SkillName> = of_component.map(|skill| skill.card().name.clone()).collect();
        let names = skills.clone();
        agent
            .catalog
            .apply(move |tx| {
                tx.store.remove_component(component)?;
                tx.store.drop_skill_secrets(component)?;
                for name in &names {
                    audit::skill_changed(
                        tx,
                        "skill_removed",
                        name.as_str(),
                        &json!({ "component": component }),
                    )?;
                }
                Ok(())
            })
            .await?;
        agent.catalog.discard(component).await;
        agent.calls.leaks().forget(component);
        Ok(SkillRemoved { component, skills })
    }
}

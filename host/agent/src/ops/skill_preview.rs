use coworker_api::ops::SkillPreview;
use coworker_policy::{Card, gate};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for SkillPreview {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<Card>, OpError> {
        let snapshot = agent.catalog.snapshot();
        Ok(gate::cards(snapshot.skills(), self.tier).into_iter().cloned().collect())
    }
}

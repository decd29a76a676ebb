use coworker_policy::{Card, Tier, gate};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;

/// What a peer of a tier would see: the same answer that `discover` gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillPreview {
    pub tier: Tier,
}

impl Operation for SkillPreview {
    type Answer = Vec<Card>;

    async fn run(self, agent: &Agent) -> Result<Vec<Card>, OpError> {
        let snapshot = agent.catalog.snapshot();
        Ok(gate::cards(snapshot.skills(), self.tier).into_iter().cloned().collect())
    }
}

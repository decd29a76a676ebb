use coworker_policy::{Card, Tier, gate};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;

/// What a peer of a tier would see: the same answer that `discover` gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillPreview {
    pub tier: Tier,
}

impl Operation for SkillPreview {
    type Answer = Vec<Card>;

    async fn run(self, agent: &Agent) -> Result<Vec<Card>, OpError> {
        let shelf = agent.catalog.shelf();
        Ok(gate::cards(shelf.skills(), self.tier).into_iter().cloned().collect())
    }
}

use coworker_plan::Plan;
use coworker_policy::{ErrorCode, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Operation;
use super::goal_plan::{bad_plan, shown};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::goals::{self, Begin};
use crate::model::ModelUse;

/// Carries a plan out: asks every agent in it, and begins once all said yes. What came of it, `GoalWatch` tells.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoalBegin {
    pub plan: Plan,
    /// What came with the goal.
    pub input: Value,
    /// A group whose members hear how it goes.
    pub group: Option<String>,
    /// What the language model was asked for the plan: it counts as the goal's.
    pub asked: Option<ModelUse>,
    /// Nobody waits for it: a running `serve` carries it on.
    pub detach: bool,
    /// Seconds to wait for each peer.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GoalBegun {
    pub id: RequestId,
}

impl Operation for GoalBegin {
    type Answer = GoalBegun;

    async fn run(self, agent: &Agent) -> Result<GoalBegun, OpError> {
        if self.detach && !agent.core.serves() {
            return Err(OpError::new(ErrorCode::Usage, "nobody would carry the goal on")
                .hint("start the agent first: coworker serve; or leave out --detach"));
        }
        let group = match self.group {
            Some(typed) => {
                let found = agent.groups.in_read_transaction(move |groups| groups.find_going(&typed));
                Some(found.await??.id)
            }
            None => None,
        };
        let mut peers: Vec<_> = self.plan.steps.iter().filter_map(|step| step.agent.peer()).collect();
        peers.sort_unstable();
        peers.dedup();
        for peer in &peers {
            agent.find_peer(&peer.to_string()).await?;
        }
        // As things are now: a plan may be older than what it was made of.
        let (shown, _) = shown(agent, &peers, self.timeout).await?;
        let checked = self.plan.check(&self.input, &shown).map_err(|error| bad_plan(&error))?;
        let begin = Begin { checked, shown, input: self.input, group, asked: self.asked };
        let id = goals::begin(&agent.goals, begin).await?;
        goals::start(&agent.goals, id).await?;
        Ok(GoalBegun { id })
    }
}

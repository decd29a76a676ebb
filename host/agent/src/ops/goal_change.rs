use coworker_policy::{ErrorCode, RequestId};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::goal_find::{Found, find};
use super::goal_show::{GoalInfo, GoalShow, theirs};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::goals;

/// The owner's word on another agent's goal that waits for it.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoalAnswer {
    /// Its id, or the start of it.
    pub id: String,
    pub accept: bool,
}

/// Gives a goal of ours up: what runs is taken back, and every agent in it is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoalCancel {
    /// Its id, or the start of it.
    pub id: String,
}

impl Operation for GoalAnswer {
    type Answer = GoalInfo;

    async fn run(self, agent: &Agent) -> Result<GoalInfo, OpError> {
        let Found::Theirs(share) = find(agent, &self.id).await? else {
            return Err(OpError::new(ErrorCode::Usage, "the goal is yours: nobody waits for your answer"));
        };
        let goal: RequestId = share.goal.parse().map_err(|error| OpError::fault(&error))?;
        let (peer, yes, shared) = (share.peer, self.accept, agent.clone());
        let answered = agent.state.run(move |tx| goals::answer(&shared.goals, tx, peer, goal, yes));
        if !answered.await? {
            let message = format!("the goal does not wait for your answer: it is {}", share.state.name());
            return Err(OpError::new(ErrorCode::Usage, message).hint("see what waits: coworker goals"));
        }
        goals::deliver(&agent.goals).await;
        agent.links.linger_for(peer).await?;
        let shared = agent.state.run(move |tx| Ok(tx.store.goal_share(peer, &share.goal)?));
        let share =
            shared.await?.ok_or_else(|| OpError::new(ErrorCode::Usage, "the goal is no longer kept"))?;
        theirs(agent, share).await
    }
}

impl Operation for GoalCancel {
    type Answer = GoalInfo;

    async fn run(self, agent: &Agent) -> Result<GoalInfo, OpError> {
        let Found::Ours(goal) = find(agent, &self.id).await? else {
            return Err(OpError::new(ErrorCode::Usage, "the goal is another agent's")
                .hint("to take part no longer, lower your trust: coworker trust set PEER known"));
        };
        let (id, shared) = (goal.id.clone(), agent.clone());
        let (cancelled, peers) = agent
            .state
            .run(move |tx| {
                let Some(goal) = tx.store.goal(&goal.id)? else { return Ok((false, Vec::new())) };
                Ok((goals::cancel(&shared.goals, tx, &goal)?, tx.store.goal_parties(&goal.id)?))
            })
            .await?;
        if !cancelled {
            return Err(OpError::new(ErrorCode::Usage, "the goal has ended already")
                .hint(format!("see what came of it: coworker goal {}", id.get(..8).unwrap_or(&id))));
        }
        goals::deliver(&agent.goals).await;
        for party in peers {
            agent.links.linger_for(party.peer).await?;
        }
        GoalShow { id }.run(agent).await
    }
}

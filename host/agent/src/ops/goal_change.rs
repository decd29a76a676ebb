use coworker_api::ops::{GoalAnswer, GoalCancel, GoalInfo, GoalShow};
use coworker_policy::ErrorCode;

use super::Run;
use super::goal_find::{Found, find};
use super::goal_show::theirs;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::goals;

impl Run for GoalAnswer {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GoalInfo, OpError> {
        let Found::Theirs(share) = find(agent, &self.id).await? else {
            return Err(OpError::new(ErrorCode::Usage, "the goal is yours: nobody waits for your answer"));
        };
        let goal = share.goal;
        let (peer, yes, shared) = (share.peer, self.accept, agent.clone());
        let answered = agent.state.run(move |tx| goals::answer(&shared.goals, tx, peer, goal, yes));
        if !answered.await? {
            let message = format!("the goal does not wait for your answer: it is {}", share.state.name());
            return Err(OpError::new(ErrorCode::Usage, message).suggest("see what waits", ["goals"]));
        }
        goals::deliver(&agent.goals).await;
        agent.links.linger_for(peer).await?;
        let shared = agent.state.run(move |tx| Ok(tx.store.goal_share(peer, goal)?));
        let share =
            shared.await?.ok_or_else(|| OpError::new(ErrorCode::Usage, "the goal is no longer kept"))?;
        theirs(agent, share).await
    }
}

impl Run for GoalCancel {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GoalInfo, OpError> {
        let Found::Ours(goal) = find(agent, &self.id).await? else {
            return Err(OpError::new(ErrorCode::Usage, "the goal is another agent's")
                .suggest("to take part no longer, lower your trust", ["trust", "set", "PEER", "known"]));
        };
        let (id, shared) = (goal.id, agent.clone());
        let (cancelled, peers) = agent
            .state
            .run(move |tx| {
                let Some(goal) = tx.store.goal(goal.id)? else { return Ok((false, Vec::new())) };
                Ok((goals::cancel(&shared.goals, tx, &goal)?, tx.store.goal_parties(goal.id)?))
            })
            .await?;
        if !cancelled {
            return Err(OpError::new(ErrorCode::Usage, "the goal has ended already")
                .suggest("see its outcome", ["goal".to_owned(), format!("{id:.8}")]));
        }
        goals::deliver(&agent.goals).await;
        for party in peers {
            agent.links.linger_for(party.peer).await?;
        }
        GoalShow { id: id.to_string() }.run(agent).await
    }
}

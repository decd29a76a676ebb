use coworker_api::ops::{GoalBegin, GoalBegun};
use coworker_policy::ErrorCode;

use super::Run;
use super::goal_plan::{bad_plan, shown};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::goals::{self, Begin};

impl Run for GoalBegin {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GoalBegun, OpError> {
        if self.detach && !agent.core.serves() {
            return Err(OpError::new(ErrorCode::Usage, "nobody would carry the goal on")
                .suggest("start the agent first", ["serve"])
                .hint("leave out --detach"));
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

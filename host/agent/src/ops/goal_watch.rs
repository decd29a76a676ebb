use std::time::Duration;

use coworker_api::ops::{GoalInfo, GoalUpdate, GoalWatch, PeerAnswer, StepInfo};
use coworker_policy::{ErrorCode, RequestId, Text};
use tokio_util::sync::CancellationToken;

use super::Run;
use super::goal_find::{Found, find};
use super::goal_show::{ours, with_model};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::{CallObserver, Update};
use crate::goals;

/// A look at least this often, should a change be missed.
const GLANCE: Duration = Duration::from_secs(2);

impl Run for GoalWatch {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<GoalInfo, OpError> {
        let Found::Ours(goal) = find(agent, &self.id).await? else {
            return Err(OpError::new(
                ErrorCode::Usage,
                "the goal is another agent's: it is carried on there",
            )
            .suggest("see your part", ["goal".to_owned(), (Text::sanitized(&self.id)).to_string()]));
        };
        let id = goal.id;
        goals::start(&agent.goals, id).await?;
        tokio::select! {
            biased;
            () = observer.cancelled() => Err(stopped(id)),
            ended = watch(agent, observer, id) => {
                let info = with_model(agent, ended?).await?;
                for peer in &info.peers {
                    agent.links.linger_for(peer.peer).await?;
                }
                Ok(info)
            }
        }
    }
}

fn stopped(id: RequestId) -> OpError {
    let id = id.to_string();
    let short = id.get(..8).unwrap_or(&id);
    OpError::new(ErrorCode::Cancelled, "you stopped waiting; the goal is still open")
        .suggest("continue it", ["goal", short, "resume"])
        .suggest("give it up", ["goal", short, "cancel"])
}

async fn watch(agent: &Agent, observer: &CallObserver, goal: RequestId) -> Result<GoalInfo, OpError> {
    let never = CancellationToken::new();
    let mut before: Option<GoalInfo> = None;
    loop {
        let changed = agent.goals.changed();
        let tag = goal;
        let row = agent.state.run(move |tx| Ok(tx.store.goal(tag)?)).await?;
        let row = row.ok_or_else(|| OpError::new(ErrorCode::Usage, "the goal is no longer kept"))?;
        let now = ours(agent, row).await?;
        if let Some(update) = difference(before.as_ref(), &now) {
            observer.tell(Update::Goal(Box::new(update)), &never).await;
        }
        if !now.state.is_open() {
            return Ok(now);
        }
        before = Some(now);
        let _ = tokio::time::timeout(GLANCE, changed).await;
    }
}

fn difference(before: Option<&GoalInfo>, now: &GoalInfo) -> Option<GoalUpdate> {
    let was = |step: &StepInfo| before.and_then(|info| info.steps.iter().find(|old| old.id == step.id));
    let moved = |step: &&StepInfo| {
        was(step).is_none_or(|old| (old.state, old.attempts) != (step.state, step.attempts))
    };
    let steps: Vec<_> = now.steps.iter().filter(moved).cloned().collect();
    let awaited = awaited(now);
    let same = before.is_some_and(|info| info.state == now.state && self::awaited(info) == awaited);
    (!steps.is_empty() || !same).then(|| GoalUpdate {
        goal: now.id,
        objective: now.objective.clone(),
        state: now.state,
        key_results: now.key_results.clone(),
        steps,
        awaited,
    })
}

fn awaited(info: &GoalInfo) -> Vec<String> {
    let open = info.peers.iter().filter(|peer| peer.answer == Some(PeerAnswer::Awaited));
    open.map(|peer| peer.name.as_ref().map_or_else(|| peer.peer.short(), ToString::to_string)).collect()
}

use coworker_api::ops::{GoalBrief, GoalList};
use coworker_policy::Text;
use coworker_store::{Goal, GoalShare, StepState};

use super::Run;
use super::goal_phase::{goal_phase, share_phase};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::time::DAY_MS;
use crate::goals;
use crate::state::{StateError, Transaction};

/// Goals listed at most, of each side.
const MAX_LISTED: usize = 200;

impl Run for GoalList {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<GoalBrief>, OpError> {
        let shared = agent.clone();
        let briefs = agent.state.run(move |tx| {
            goals::end_overdue(&shared.goals, tx)?;
            let since = if self.all { i64::MIN } else { tx.now - DAY_MS };
            let recent = |done_ms: Option<i64>| done_ms.is_none_or(|done| done >= since);
            let mut briefs = Vec::new();
            for goal in tx.store.goals_like("", MAX_LISTED)?.iter().filter(|goal| recent(goal.done_ms)) {
                briefs.extend(ours(tx, goal)?);
            }
            for share in
                tx.store.goal_shares_like("", MAX_LISTED)?.iter().filter(|share| recent(share.done_ms))
            {
                briefs.extend(theirs(tx, share)?);
            }
            briefs.sort_by_key(|brief| std::cmp::Reverse(brief.at_ms));
            Ok(briefs)
        });
        Ok(briefs.await?)
    }
}

fn ours(tx: &Transaction<'_>, goal: &Goal) -> Result<Option<GoalBrief>, StateError> {
    let steps = tx.store.goal_steps(goal.id)?;
    Ok(Some(GoalBrief {
        id: goal.id,
        owner: None,
        owner_name: None,
        objective: Text::sanitized(&goal.objective),
        state: goal_phase(goal.state),
        done: steps.iter().filter(|step| step.state == StepState::Done).count(),
        of: steps.len(),
        at_ms: goal.at_ms,
        done_ms: goal.done_ms,
    }))
}

fn theirs(tx: &Transaction<'_>, share: &GoalShare) -> Result<Option<GoalBrief>, StateError> {
    let Some(offer) = goals::read_offer(&share.offer) else { return Ok(None) };
    Ok(Some(GoalBrief {
        id: share.goal,
        owner: Some(share.peer),
        owner_name: tx.store.peer(share.peer)?.and_then(|row| row.name),
        objective: offer.offer().objective.clone(),
        state: share_phase(share.state),
        done: tx.store.served_steps(share.peer, share.goal)?.len(),
        of: offer.offer().steps.len(),
        at_ms: share.at_ms,
        done_ms: share.done_ms,
    }))
}

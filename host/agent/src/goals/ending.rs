//! The end of goals: every peer in them is told, and the trust in each is adjusted once.

use coworker_channel::{GoalOutcome, PlanNews};
use coworker_plan::{Agent as By, Plan};
use coworker_policy::{ErrorCode, RequestId};
use coworker_store::{
    Goal, GoalParty, GoalShareState, GoalState, GoalStep, OutboundState, PartyState, StepState,
};

use super::messages::tell;
use super::ours::Goals;
use super::shares::decide_share;
use super::telling;
use crate::link::outbound;
use crate::state::{StateError, Transaction, audit};
use coworker_api::ops::Why;

/// The outcome of an ended goal; `None` while it is open.
pub(super) fn outcome(state: GoalState) -> Option<GoalOutcome> {
    match state {
        GoalState::Proposed | GoalState::Running => None,
        GoalState::Done => Some(GoalOutcome::Done),
        GoalState::Failed => Some(GoalOutcome::Failed),
        GoalState::Cancelled => Some(GoalOutcome::Cancelled),
    }
}

/// Ends a goal of ours in this transaction. Does nothing if it has ended.
pub(super) fn end(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    goal: &Goal,
    state: GoalState,
    why: Option<&Why>,
) -> Result<(), StateError> {
    let text = why.map(Why::to_text);
    let Some(outcome) = outcome(state) else { return Ok(()) };
    if !tx.store.move_goal(goal.id, state, text.as_deref(), Some(tx.now))? {
        return Ok(());
    }
    stop_steps(tx, goal)?;
    for party in tx.store.goal_parties(goal.id)? {
        leave(goals, tx, goal.id, &party, outcome)?;
    }
    audit::goal(tx, "goal_ended", None, goal.id, state.name())?;
    telling::ended(goals, tx, goal, state)?;
    goals.news.wake(tx);
    Ok(())
}

/// Withdraws the steps that run and skips those that wait.
fn stop_steps(tx: &mut Transaction<'_>, goal: &Goal) -> Result<(), StateError> {
    let plan = serde_json::from_str::<Plan>(&goal.plan).ok();
    for step in tx.store.goal_steps(goal.id)? {
        let state = match step.state {
            StepState::Running => StepState::Failed,
            StepState::Waiting => StepState::Skipped,
            _ => continue,
        };
        let request = step.request.filter(|_| step.state == StepState::Running);
        if let Some(asked) = request.map(|id| tx.store.outbound(id)).transpose()?.flatten() {
            outbound::withdraw(tx, asked.peer, asked.id, OutboundState::Cancelled)?;
        }
        // Our own run ends with its task, and no other row tells its end.
        let own = plan.as_ref().and_then(|plan| plan.steps.get(step.n)).filter(|own| own.agent == By::Me);
        if let (Some(own), Some(id)) = (own, request) {
            audit::interrupted(tx, id, None, own.skill.as_str())?;
        }
        let why = (state == StepState::Failed)
            .then(|| Why::new(ErrorCode::Cancelled, "the goal ended before it did").to_text());
        let stopped = GoalStep { state, why, again_ms: None, done_ms: Some(tx.now), ..step };
        tx.store.put_goal_step(goal.id, &stopped)?;
    }
    Ok(())
}

fn leave(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    goal: RequestId,
    party: &GoalParty,
    outcome: GoalOutcome,
) -> Result<(), StateError> {
    match party.state {
        PartyState::Accepted => {
            tell(tx, party.peer, goal, PlanNews::Complete { outcome })?;
            part(goals, tx, goal, party)
        }
        // A proposal that has not left is withdrawn; one that has left is ended at the peer.
        PartyState::Asked if tx.store.withdraw(party.peer, party.proposal)? => Ok(()),
        PartyState::Asked => tell(tx, party.peer, goal, PlanNews::Complete { outcome }),
        PartyState::Rejected | PartyState::Parted => Ok(()),
    }
}

/// Ends the goal for a peer that had accepted it. Happens once, because the peer leaves that state here.
pub(super) fn part(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    goal: RequestId,
    party: &GoalParty,
) -> Result<(), StateError> {
    tx.store.put_goal_party(goal, &GoalParty { state: PartyState::Parted, ..party.clone() })?;
    let objective = tx.store.goal(goal)?.map(|row| row.objective).unwrap_or_default();
    goals.trust.goal_ended(tx, party.peer, &telling::note(goal, &objective))
}

/// Cancels a goal for the owner. Returns false if it had ended.
pub(crate) fn cancel(goals: &Goals, tx: &mut Transaction<'_>, goal: &Goal) -> Result<bool, StateError> {
    if !goal.state.is_open() {
        return Ok(false);
    }
    let why = Why::new(ErrorCode::Cancelled, "you cancelled the goal");
    end(goals, tx, goal, GoalState::Cancelled, Some(&why))?;
    Ok(true)
}

/// Ends overdue goals, our own and those of peers.
pub(crate) fn end_overdue(goals: &Goals, tx: &mut Transaction<'_>) -> Result<(), StateError> {
    for share in tx.store.overdue_goal_shares(tx.now)? {
        decide_share(goals, tx, &share, GoalShareState::Expired)?;
    }
    for goal in tx.store.open_goals()? {
        if goal.expires_ms <= tx.now {
            expire(goals, tx, &goal)?;
        }
    }
    Ok(())
}

pub(super) fn expire(goals: &Goals, tx: &mut Transaction<'_>, goal: &Goal) -> Result<(), StateError> {
    let why = Why::new(ErrorCode::Expired, "the goal was not reached in time");
    end(goals, tx, goal, GoalState::Failed, Some(&why))
}

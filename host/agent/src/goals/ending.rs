//! The end of goals: told to everybody in them, and counted once for what we think of each.

use coworker_channel::{GoalOutcome, PlanNews, RequestId};
use coworker_plan::{Agent as By, Plan};
use coworker_policy::ErrorCode;
use coworker_store::{
    Goal, GoalParty, GoalShareState, GoalState, GoalStep, OutboundState, PartyState, StepState,
};

use super::{Why, tell, telling, wake};
use crate::agent::Agent;
use crate::audit;
use crate::desk::{DeskError, Work};
use crate::{outbound, standing};

/// How an ended goal ended.
pub(super) fn outcome(state: GoalState) -> Option<GoalOutcome> {
    match state {
        GoalState::Proposed | GoalState::Running => None,
        GoalState::Done => Some(GoalOutcome::Done),
        GoalState::Failed => Some(GoalOutcome::Failed),
        GoalState::Cancelled => Some(GoalOutcome::Cancelled),
    }
}

/// Ends a goal of ours in this transaction. One that has ended stays as it is.
pub(super) fn end(
    agent: &Agent,
    work: &mut Work<'_>,
    goal: &Goal,
    state: GoalState,
    why: Option<&Why>,
) -> Result<(), DeskError> {
    let text = why.map(Why::to_text);
    let (Ok(id), Some(outcome)) = (goal.id.parse::<RequestId>(), outcome(state)) else { return Ok(()) };
    if !work.tx.move_goal(&goal.id, state, text.as_deref(), Some(work.now))? {
        return Ok(());
    }
    stop_steps(work, goal)?;
    for party in work.tx.goal_parties(&goal.id)? {
        leave(agent, work, id, &party, outcome)?;
    }
    audit::goal(work, "goal_ended", None, id, state.name())?;
    telling::ended(agent, work, goal, state)?;
    wake(agent, work);
    Ok(())
}

/// What runs is taken back, what waits does not begin.
fn stop_steps(work: &mut Work<'_>, goal: &Goal) -> Result<(), DeskError> {
    let plan = serde_json::from_str::<Plan>(&goal.plan).ok();
    for step in work.tx.goal_steps(&goal.id)? {
        let state = match step.state {
            StepState::Running => StepState::Failed,
            StepState::Waiting => StepState::Skipped,
            _ => continue,
        };
        let request = step.request.as_deref().filter(|_| step.state == StepState::Running);
        if let Some(asked) = request.map(|id| work.tx.outbound(id)).transpose()?.flatten()
            && let Ok(id) = asked.id.parse()
        {
            outbound::withdraw(work, asked.peer, id, OutboundState::Cancelled)?;
        }
        // A run of our own ends with the task that it is in, and nothing else would tell its end.
        let own = plan.as_ref().and_then(|plan| plan.steps.get(step.n)).filter(|own| own.agent == By::Me);
        if let (Some(own), Some(Ok(id))) = (own, request.map(str::parse)) {
            audit::interrupted(work, id, None, own.skill.as_str())?;
        }
        let why = (state == StepState::Failed)
            .then(|| Why::new(ErrorCode::Cancelled, "the goal ended before it did").to_text());
        let stopped = GoalStep { state, why, again_ms: None, done_ms: Some(work.now), ..step };
        work.tx.put_goal_step(&goal.id, &stopped)?;
    }
    Ok(())
}

fn leave(
    agent: &Agent,
    work: &mut Work<'_>,
    goal: RequestId,
    party: &GoalParty,
    outcome: GoalOutcome,
) -> Result<(), DeskError> {
    match party.state {
        PartyState::Accepted => {
            tell(work, party.peer, goal, PlanNews::Complete { outcome })?;
            part(agent, work, goal, party)
        }
        // A proposal that has not left is taken back; one that has is ended there.
        PartyState::Asked if work.tx.withdraw(party.peer, &party.proposal)? => Ok(()),
        PartyState::Asked => tell(work, party.peer, goal, PlanNews::Complete { outcome }),
        PartyState::Rejected | PartyState::Parted => Ok(()),
    }
}

/// The goal is over for a peer that had accepted it: once, because it leaves that state here.
pub(super) fn part(
    agent: &Agent,
    work: &mut Work<'_>,
    goal: RequestId,
    party: &GoalParty,
) -> Result<(), DeskError> {
    let tag = goal.to_string();
    work.tx.put_goal_party(&tag, &GoalParty { state: PartyState::Parted, ..party.clone() })?;
    let objective = work.tx.goal(&tag)?.map(|row| row.objective).unwrap_or_default();
    standing::goal_ended(agent, work, party.peer, &telling::note(goal, &objective))
}

/// The owner wants no more of it. False if it had ended.
pub(crate) fn cancel(agent: &Agent, work: &mut Work<'_>, goal: &Goal) -> Result<bool, DeskError> {
    if !goal.state.is_open() {
        return Ok(false);
    }
    let why = Why::new(ErrorCode::Cancelled, "you cancelled the goal");
    end(agent, work, goal, GoalState::Cancelled, Some(&why))?;
    Ok(true)
}

/// Ends what is open beyond its time, ours and others'.
pub(crate) fn end_overdue(agent: &Agent, work: &mut Work<'_>) -> Result<(), DeskError> {
    for share in work.tx.overdue_goal_shares(work.now)? {
        super::decide_share(agent, work, &share, GoalShareState::Expired)?;
    }
    for goal in work.tx.open_goals()? {
        if goal.expires_ms <= work.now {
            expire(agent, work, &goal)?;
        }
    }
    Ok(())
}

pub(super) fn expire(agent: &Agent, work: &mut Work<'_>, goal: &Goal) -> Result<(), DeskError> {
    let why = Why::new(ErrorCode::Expired, "the goal was not reached in time");
    end(agent, work, goal, GoalState::Failed, Some(&why))
}

//! What the other agents of a goal of ours answer and report.

use coworker_channel::{KeyResultCount, PlanNews, RequestId};
use coworker_policy::PeerId;
use coworker_store::{GoalParty, GoalState, PartyState};

use super::ending::part;
use super::{Why, tell, wake};
use crate::agent::Agent;
use crate::audit;
use crate::desk::{DeskError, Work};

/// A peer that we asked to take part, as it is now.
fn asked(
    work: &Work<'_>,
    from: PeerId,
    goal: RequestId,
) -> Result<Option<(GoalParty, GoalState)>, DeskError> {
    let tag = goal.to_string();
    let Some(party) = work.tx.goal_party(&tag, from)? else { return Ok(None) };
    Ok(work.tx.goal(&tag)?.map(|row| (party, row.state)))
}

pub(super) fn accepted(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
) -> Result<(), DeskError> {
    let Some((party, state)) = asked(work, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Asked {
        return Ok(());
    }
    let party = GoalParty { state: PartyState::Accepted, ..party };
    work.tx.put_goal_party(&goal.to_string(), &party)?;
    audit::goal(work, "goal_joined", Some(from), goal, "")?;
    wake(agent, work);
    match super::ending::outcome(state) {
        None => Ok(()),
        // It crossed the end on its way: the peer counts as having taken part, as it does there.
        Some(outcome) => {
            tell(work, from, goal, PlanNews::Complete { outcome })?;
            part(agent, work, goal, &party)
        }
    }
}

pub(super) fn rejected(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
    why: &Why,
) -> Result<(), DeskError> {
    let Some((party, _)) = asked(work, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Asked {
        return Ok(());
    }
    let party = GoalParty { state: PartyState::Rejected, why: Some(why.to_text()), ..party };
    work.tx.put_goal_party(&goal.to_string(), &party)?;
    audit::goal(work, "goal_rejected", Some(from), goal, why.code.name())?;
    wake(agent, work);
    Ok(())
}

/// Only shown to the owner: nothing is decided by it.
pub(super) fn reported(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
    key_results: &[KeyResultCount],
) -> Result<(), DeskError> {
    let Some((party, GoalState::Running)) = asked(work, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Accepted {
        return Ok(());
    }
    let reported = serde_json::to_string(key_results).ok();
    if reported == party.reported {
        return Ok(());
    }
    work.tx.put_goal_party(&goal.to_string(), &GoalParty { reported, ..party })?;
    wake(agent, work);
    Ok(())
}

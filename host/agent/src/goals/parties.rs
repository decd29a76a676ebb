//! Answers and reports of the other agents in a goal of ours.

use coworker_channel::{KeyResultCount, PlanNews};
use coworker_policy::{PeerId, RequestId};
use coworker_store::{GoalParty, GoalState, PartyState};

use super::ending::part;
use super::messages::tell;
use super::ours::Goals;
use crate::state::{StateError, Transaction, audit};
use coworker_api::ops::Why;

/// A peer that we asked to take part, as it is now.
fn asked(
    tx: &Transaction<'_>,
    from: PeerId,
    goal: RequestId,
) -> Result<Option<(GoalParty, GoalState)>, StateError> {
    let Some(party) = tx.store.goal_party(goal, from)? else { return Ok(None) };
    Ok(tx.store.goal(goal)?.map(|row| (party, row.state)))
}

pub(super) fn accepted(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
) -> Result<(), StateError> {
    let Some((party, state)) = asked(tx, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Asked {
        return Ok(());
    }
    let party = GoalParty { state: PartyState::Accepted, ..party };
    tx.store.put_goal_party(goal, &party)?;
    audit::goal(tx, "goal_joined", Some(from), goal, "")?;
    goals.news.wake(tx);
    match super::ending::outcome(state) {
        None => Ok(()),
        // The yes crossed the end of the goal on its way. The peer counts as having taken part, as it does there.
        Some(outcome) => {
            tell(tx, from, goal, PlanNews::Complete { outcome })?;
            part(goals, tx, goal, &party)
        }
    }
}

pub(super) fn rejected(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    why: &Why,
) -> Result<(), StateError> {
    let Some((party, _)) = asked(tx, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Asked {
        return Ok(());
    }
    let party = GoalParty { state: PartyState::Rejected, why: Some(why.to_text()), ..party };
    tx.store.put_goal_party(goal, &party)?;
    audit::goal(tx, "goal_rejected", Some(from), goal, why.code.name())?;
    goals.news.wake(tx);
    Ok(())
}

/// Keeps the report for the owner to read. Nothing is decided by it.
pub(super) fn reported(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    key_results: &[KeyResultCount],
) -> Result<(), StateError> {
    let Some((party, GoalState::Running)) = asked(tx, from, goal)? else { return Ok(()) };
    if party.state != PartyState::Accepted {
        return Ok(());
    }
    let reported = serde_json::to_string(key_results).ok();
    if reported == party.reported {
        return Ok(());
    }
    tx.store.put_goal_party(goal, &GoalParty { reported, ..party })?;
    goals.news.wake(tx);
    Ok(())
}

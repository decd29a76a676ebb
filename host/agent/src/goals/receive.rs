//! Messages of peers about goals.

use coworker_channel::PlanNews;
use coworker_policy::{PeerId, RequestId};

use super::ours::Goals;
use super::{offers, parties, shares};
use crate::state::{StateError, Transaction};
use coworker_api::ops::Why;

/// Takes a message about a goal. Drops one that belongs to no goal of this peer.
pub(crate) fn received(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    goal: RequestId,
    news: PlanNews,
) -> Result<(), StateError> {
    match news {
        PlanNews::Propose { offer } => offers::proposed(goals, tx, from, id, goal, &offer),
        PlanNews::Accept => parties::accepted(goals, tx, from, goal),
        PlanNews::Reject { code, message } => {
            parties::rejected(goals, tx, from, goal, &Why { code, message })
        }
        PlanNews::Progress { key_results } => parties::reported(goals, tx, from, goal, &key_results),
        PlanNews::Complete { outcome } => shares::completed(goals, tx, from, goal, outcome),
    }
}

/// Takes an error that answers a message of ours: perhaps the proposal of a goal.
pub(crate) fn refused(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    why: &Why,
) -> Result<(), StateError> {
    let goal = tx.store.goal_of_proposal(from, id)?;
    goal.map_or(Ok(()), |goal| parties::rejected(goals, tx, from, goal, why))
}

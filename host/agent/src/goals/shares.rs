//! The end of our part in goals of peers.

use coworker_channel::GoalOutcome;
use coworker_policy::{PeerId, RequestId};
use coworker_store::{GoalShare, GoalShareState};

use super::offer_text;
use super::ours::Goals;
use super::telling::note;
use crate::state::{StateError, Transaction, audit};

/// Ends our part because the peer says that its goal has ended.
pub(super) fn completed(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    outcome: GoalOutcome,
) -> Result<(), StateError> {
    let state = match outcome {
        GoalOutcome::Done => GoalShareState::Done,
        GoalOutcome::Failed => GoalShareState::Failed,
        GoalOutcome::Cancelled => GoalShareState::Cancelled,
    };
    let share = tx.store.goal_share(from, goal)?;
    share.map_or(Ok(()), |share| decide_share(goals, tx, &share, state))
}

/// Ends our part in a goal. Only an accepted goal counts for the trust in the peer, and once.
pub(crate) fn decide_share(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    share: &GoalShare,
    state: GoalShareState,
) -> Result<(), StateError> {
    if !tx.store.move_goal_share(share.peer, share.goal, state, Some(tx.now))? {
        return Ok(());
    }
    let goal = share.goal;
    audit::goal(tx, "goal_ended", Some(share.peer), goal, state.name())?;
    goals.news.wake(tx);
    if share.state != GoalShareState::Accepted {
        return Ok(());
    }
    let objective =
        offer_text::read(&share.offer).map(|offer| offer.offer().objective.to_string()).unwrap_or_default();
    goals.trust.goal_ended(tx, share.peer, &note(goal, &objective))
}

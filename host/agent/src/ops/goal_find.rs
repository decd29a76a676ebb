use coworker_policy::{ErrorCode, PeerId, Text};
use coworker_store::{Goal, GoalShare};

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::goals;

/// Shortest start of an id that names a goal.
const MIN_START: usize = 4;
/// Goals that are told apart for a person.
const MAX_FOUND: usize = 8;

/// A goal by its id.
pub(super) enum Found {
    Ours(Goal),
    Theirs(GoalShare),
}

/// The one goal whose id begins with `typed`; `START@PEER` is the one of that peer.
///
/// Ids of others' goals are theirs to choose: one can be that of a goal of ours, or of another peer's. The whole id of
/// a goal of ours always names ours.
pub(super) async fn find(agent: &Agent, typed: &str) -> Result<Found, OpError> {
    let (start, of) = match typed.split_once('@') {
        Some((start, peer)) => (start.to_ascii_lowercase(), Some(agent.find_peer(peer).await?)),
        None => (typed.to_ascii_lowercase(), None),
    };
    if start.len() < MIN_START {
        let message = format!("name at least {MIN_START} characters of the goal's id");
        return Err(OpError::new(ErrorCode::Usage, message).hint("see them: coworker goals"));
    }
    let (mut ours, mut theirs) = beginning_with(agent, start.clone(), of).await?;
    if let Some(at) = ours.iter().position(|goal| goal.id == start) {
        return Ok(Found::Ours(ours.swap_remove(at)));
    }
    match (ours.pop(), theirs.pop(), ours.is_empty() && theirs.is_empty()) {
        (Some(goal), None, true) => Ok(Found::Ours(goal)),
        (None, Some(share), true) => Ok(Found::Theirs(share)),
        (None, None, _) => {
            let message = format!("no goal begins with {}", Text::sanitized(typed));
            Err(OpError::new(ErrorCode::Usage, message).hint("see them: coworker goals"))
        }
        (goal, share, _) => {
            let of = |share: GoalShare| format!("{}@{}", share.goal, share.peer);
            let ids = ours.into_iter().chain(goal).map(|goal| goal.id);
            let ids: Vec<_> = ids.chain(theirs.into_iter().chain(share).map(of)).collect();
            let message = format!("more than one goal begins with {}", Text::sanitized(typed));
            Err(OpError::new(ErrorCode::Usage, message).hint(format!("name one of: {}", ids.join(", "))))
        }
    }
}

async fn beginning_with(
    agent: &Agent,
    start: String,
    of: Option<PeerId>,
) -> Result<(Vec<Goal>, Vec<GoalShare>), OpError> {
    let shared = agent.clone();
    let found = agent.state.run(move |tx| {
        goals::end_overdue(&shared.goals, tx)?;
        let Some(peer) = of else {
            return Ok((
                tx.store.goals_like(&start, MAX_FOUND)?,
                tx.store.goal_shares_like(&start, MAX_FOUND)?,
            ));
        };
        Ok((Vec::new(), tx.store.goal_shares_of_like(peer, &start, MAX_FOUND)?))
    });
    Ok(found.await?)
}

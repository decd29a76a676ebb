use coworker_policy::{ErrorCode, PeerId};
use coworker_store::{Goal, GoalShare};

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::typed::{IdStart, Kind};
use crate::goals;

const GOALS: Kind =
    Kind { singular: "goal", plural: "goals", code: ErrorCode::Usage, hints: &[("see them", &["goals"])] };
/// Goals of each kind read for one typed id.
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
        Some((start, peer)) => (start, Some(agent.find_peer(peer).await?)),
        None => (typed, None),
    };
    let start = GOALS.id_start(start)?;
    let found = beginning_with(agent, start.clone(), of).await?;
    let is_ours = |found: &Found| matches!(found, Found::Ours(goal) if goal.id.to_string() == start.as_str());
    if let Some(at) = found.iter().position(is_ours) {
        return GOALS.only(typed, found.into_iter().skip(at).take(1).collect(), Found::label);
    }
    GOALS.only(typed, found, Found::label)
}

impl Found {
    fn label(&self) -> String {
        match self {
            Self::Ours(goal) => goal.id.to_string(),
            Self::Theirs(share) => format!("{}@{}", share.goal, share.peer),
        }
    }
}

async fn beginning_with(agent: &Agent, start: IdStart, of: Option<PeerId>) -> Result<Vec<Found>, OpError> {
    let shared = agent.clone();
    let found = agent.state.run(move |tx| {
        goals::end_overdue(&shared.goals, tx)?;
        let start = start.as_str();
        let (ours, theirs) = match of {
            Some(peer) => (Vec::new(), tx.store.goal_shares_of_like(peer, start, MAX_FOUND)?),
            None => (tx.store.goals_like(start, MAX_FOUND)?, tx.store.goal_shares_like(start, MAX_FOUND)?),
        };
        let theirs = theirs.into_iter().map(Found::Theirs);
        Ok(ours.into_iter().map(Found::Ours).chain(theirs).collect())
    });
    Ok(found.await?)
}

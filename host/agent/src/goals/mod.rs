//! Goals: work that several agents do together, by a plan.
//!
//! Whose goal it is holds the plan and sends each step as an ordinary task; the others hold an offer, which is
//! their own steps. What is true of a goal is in the database alone: [`advance`] moves it on from there, one
//! transaction at a time, so that a process may end at any point and the next one goes on.

mod advance;
mod begin;
mod course;
mod drive;
mod ending;
mod offers;
mod own;
mod parties;
mod planner;
mod served;
mod telling;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

pub(crate) use coworker_api::ops::Why;
use coworker_channel::{Message, PlanNews};
use coworker_policy::{PeerId, RequestId};
use tokio::sync::Notify;

use crate::agent::Agent;
use crate::state::{StateError, Transaction};

pub(crate) use begin::{Begin, begin};
pub(crate) use course::Course;
pub(crate) use drive::{deliver, resume_all, start};
pub(crate) use ending::{cancel, end_overdue};
pub(crate) use offers::{answer, decide_share, read as read_offer};
pub(crate) use planner::{Made, plan};
pub(crate) use served::{counts, step_served};

/// Goals of one peer that are open with us at most, those that wait for the owner included.
pub(crate) const MAX_OPEN: usize = 16;
/// Goals that one peer proposes within a day, and goals of one peer that are kept once they ended: who may ask may
/// end its goals at once, and each leaves an offer here and rows in the audit log.
const MAX_A_DAY: usize = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a goal is open at most, in milliseconds.
pub(crate) const OPEN_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How long goals that ended are kept, in milliseconds.
pub(crate) const KEEP_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// What is known of goals in memory only.
#[derive(Default)]
pub(crate) struct Goals {
    /// Those that a task of this process carries on.
    driven: Mutex<HashSet<RequestId>>,
    /// Wakes the tasks that carry goals on.
    news: Notify,
    /// Wakes who watches one.
    pub(crate) changed: Notify,
}

impl Goals {
    fn driven(&self) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever carries a goal on looks again, and so does who watches one, once this is on disk.
fn wake(agent: &Agent, tx: &mut Transaction<'_>) {
    let agent = agent.clone();
    tx.once_committed(move || {
        agent.goals.news.notify_waiters();
        agent.goals.changed.notify_waiters();
    });
}

fn tell(tx: &mut Transaction<'_>, peer: PeerId, goal: RequestId, news: PlanNews) -> Result<(), StateError> {
    tx.post(peer, &Message::Plan { id: RequestId::random(), goal, news })
}

/// A message about a goal. What belongs to no goal of this very peer is dropped.
pub(crate) fn received(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    goal: RequestId,
    news: PlanNews,
) -> Result<(), StateError> {
    match news {
        PlanNews::Propose { offer } => offers::proposed(agent, tx, from, id, goal, &offer),
        PlanNews::Accept => parties::accepted(agent, tx, from, goal),
        PlanNews::Reject { code, message } => {
            parties::rejected(agent, tx, from, goal, &Why { code, message })
        }
        PlanNews::Progress { key_results } => parties::reported(agent, tx, from, goal, &key_results),
        PlanNews::Complete { outcome } => offers::completed(agent, tx, from, goal, outcome),
    }
}

/// An error that answers a message of ours: perhaps one that asked to take part in a goal.
pub(crate) fn refused(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    why: &Why,
) -> Result<(), StateError> {
    let goal = tx.store.goal_of_proposal(from, &id.to_string())?.and_then(|goal| goal.parse().ok());
    goal.map_or(Ok(()), |goal| parties::rejected(agent, tx, from, goal, why))
}

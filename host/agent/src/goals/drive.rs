//! The tasks that carry goals on, one for each that is open.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{PeerId, RequestId};
use tokio::task::{AbortHandle, JoinSet};

use super::advance::{Turn, advance};
use super::{Course, own};
use crate::agent::Agent;
use crate::base::clock::now_ms;
use crate::base::error::OpError;
use crate::link::redial;
use crate::link::requests;
use crate::state::StateError;

/// The clock is looked at at least this often: a machine that slept has another time than a sleep expects.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
const AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// Carries on every goal that is open, and ends those whose time is over.
pub(crate) async fn resume_all(agent: &Agent) -> Result<(), OpError> {
    let shared = agent.clone();
    let open = agent.state.run(move |tx| {
        super::end_overdue(&shared, tx)?;
        Ok(tx.store.open_goals()?)
    });
    for goal in open.await? {
        if let Err(error) = start(agent, goal.id).await {
            tracing::error!(goal = %goal.id, %error, "cannot carry a goal on");
        }
    }
    deliver(agent).await;
    Ok(())
}

/// Carries a goal on in this process until it ends or the process does. Nothing happens if a task does.
pub(crate) async fn start(agent: &Agent, id: RequestId) -> Result<(), OpError> {
    let Some(goal) = agent.state.run(move |tx| Ok(tx.store.goal(id)?)).await? else {
        return Ok(());
    };
    let course = Arc::new(Course::of(&goal)?);
    if !agent.goals.driven().insert(id) {
        return Ok(());
    }
    agent.tasks.spawn(drive(agent.clone(), course));
    Ok(())
}

/// What one task holds: dropping it stops what it began.
struct Driver {
    agent: Agent,
    course: Arc<Course>,
    own: JoinSet<()>,
    /// Our own steps that run, or ran, in this process.
    begun: HashSet<RequestId>,
    links: BTreeMap<PeerId, AbortHandle>,
    linking: JoinSet<()>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.agent.goals.driven().remove(&self.course.id);
    }
}

async fn drive(agent: Agent, course: Arc<Course>) {
    let (own, linking) = (JoinSet::new(), JoinSet::new());
    let (begun, links) = (HashSet::new(), BTreeMap::new());
    let mut driver = Driver { agent: agent.clone(), course, own, begun, links, linking };
    let again = Arc::clone(&driver.course);
    if let Err(error) = agent.state.run(move |tx| own::interrupted(tx, &again)).await {
        tracing::error!(%error, "cannot note which runs were cut off");
    }
    tokio::select! {
        () = driver.carry_on() => {}
        () = agent.stop.cancelled() => {}
    }
}

impl Driver {
    async fn carry_on(&mut self) {
        loop {
            let agent = self.agent.clone();
            // Before the look: what comes meanwhile is not missed.
            let (news, answers) = (agent.goals.news.notified(), agent.waiting.any_answer());
            let (shared, course) = (agent.clone(), Arc::clone(&self.course));
            let turn = match agent.state.run(move |tx| advance(&shared, tx, &course)).await {
                Ok(turn) => turn,
                Err(StateError::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "cannot carry a goal on; it is tried again");
                    tokio::time::sleep(AFTER_A_FAULT).await;
                    continue;
                }
            };
            deliver(&agent).await;
            if turn.ended {
                return;
            }
            let until = self.follow(turn);
            tokio::select! {
                () = news => {}
                () = answers => {}
                () = tokio::time::sleep(until) => {}
                Some(_) = self.own.join_next() => {}
            }
        }
    }

    /// Begins our own steps and keeps the connections that answers come over; returns when to look again.
    fn follow(&mut self, turn: Turn) -> Duration {
        for own in turn.own {
            if self.begun.insert(own.request) {
                self.own.spawn(own::run(self.agent.clone(), self.course.id, own));
            }
        }
        self.links.retain(|peer, link| {
            let awaited = turn.awaited.contains(peer);
            if !awaited {
                link.abort();
            }
            awaited
        });
        for peer in turn.awaited {
            let agent = self.agent.clone();
            let linking = &mut self.linking;
            self.links.entry(peer).or_insert_with(|| {
                linking.spawn(async move { requests::keep_linked::<()>(&agent, peer).await })
            });
        }
        let left = turn.again_ms.map_or(i64::MAX, |again| again.saturating_sub(now_ms()));
        Duration::from_millis(u64::try_from(left).unwrap_or_default()).min(LONGEST_SLEEP)
    }
}

/// Mail about a goal goes to its peers, and to the members of a group that follows it.
pub(crate) async fn deliver(agent: &Agent) {
    let waiting = agent.state.run(|tx| Ok(tx.store.peers_with_mail()?)).await;
    for peer in waiting.unwrap_or_default() {
        redial::deliver_mail(agent, peer).await;
    }
}

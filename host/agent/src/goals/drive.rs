//! The tasks that carry on the open goals, one for each.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{PeerId, RequestId};
use tokio::task::{AbortHandle, JoinSet};

use super::advance::{Turn, advance};
use super::course::Course;
use super::ending::end_overdue;
use super::ours::Goals;
use super::own;
use crate::base::error::OpError;
use crate::state::StateError;

const AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// Carries on every open goal, and ends those that are overdue.
pub(crate) async fn resume_all(goals: &Goals) -> Result<(), OpError> {
    let shared = goals.clone();
    let open = goals.state.run(move |tx| {
        end_overdue(&shared, tx)?;
        Ok(tx.store.open_goals()?)
    });
    for goal in open.await? {
        if let Err(error) = start(goals, goal.id).await {
            tracing::error!(goal = %goal.id, %error, "cannot carry a goal on");
        }
    }
    deliver(goals).await;
    Ok(())
}

/// Carries a goal on in this process until the goal or the process ends. Does nothing if a task does so already.
pub(crate) async fn start(goals: &Goals, id: RequestId) -> Result<(), OpError> {
    let Some(goal) = goals.state.run(move |tx| Ok(tx.store.goal(id)?)).await? else {
        return Ok(());
    };
    let course = Arc::new(Course::of(&goal)?);
    if !goals.driven().insert(id) {
        return Ok(());
    }
    goals.core.tasks.spawn(drive(goals.clone(), course));
    Ok(())
}

/// The state of one task. Dropping it stops the runs that it began.
struct Driver {
    goals: Goals,
    course: Arc<Course>,
    own: JoinSet<()>,
    /// Our own steps that run, or ran, in this process.
    begun: HashSet<RequestId>,
    links: BTreeMap<PeerId, AbortHandle>,
    linking: JoinSet<()>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.goals.driven().remove(&self.course.id);
    }
}

async fn drive(goals: Goals, course: Arc<Course>) {
    let (own, linking) = (JoinSet::new(), JoinSet::new());
    let (begun, links) = (HashSet::new(), BTreeMap::new());
    let mut driver = Driver { goals: goals.clone(), course, own, begun, links, linking };
    let again = Arc::clone(&driver.course);
    if let Err(error) = goals.state.run(move |tx| own::interrupted(tx, &again)).await {
        tracing::error!(%error, "cannot note which runs were cut off");
    }
    tokio::select! {
        () = driver.carry_on() => {}
        () = goals.core.stop.cancelled() => {}
    }
}

impl Driver {
    async fn carry_on(&mut self) {
        loop {
            let goals = self.goals.clone();
            // Before the look, so that nothing is missed meanwhile.
            let (news, answers) = (goals.news.next(), goals.links.waiting().any_answer());
            let (shared, course) = (goals.clone(), Arc::clone(&self.course));
            let turn = match goals.state.run(move |tx| advance(&shared, tx, &course)).await {
                Ok(turn) => turn,
                Err(StateError::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "cannot carry a goal on; it is tried again");
                    tokio::time::sleep(AFTER_A_FAULT).await;
                    continue;
                }
            };
            deliver(&goals).await;
            if turn.ended {
                return;
            }
            let again_ms = turn.again_ms.unwrap_or(i64::MAX);
            self.follow(turn);
            tokio::select! {
                () = news => {}
                () = answers => {}
                () = goals.core.clock.sleep_until_ms(again_ms) => {}
                Some(_) = self.own.join_next() => {}
            }
        }
    }

    /// Begins our own steps, and keeps the connections over which answers come.
    fn follow(&mut self, turn: Turn) {
        for own in turn.own {
            if self.begun.insert(own.request) {
                self.own.spawn(own::run(self.goals.clone(), self.course.id, own));
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
            let goals = self.goals.clone();
            let linking = &mut self.linking;
            self.links
                .entry(peer)
                .or_insert_with(|| linking.spawn(async move { goals.links.keep_linked::<()>(peer).await }));
        }
    }
}

/// Delivers mail about goals to their peers, and to the members of groups that follow them.
pub(crate) async fn deliver(goals: &Goals) {
    let waiting = goals.state.run(|tx| Ok(tx.store.peers_with_mail()?)).await;
    for peer in waiting.unwrap_or_default() {
        goals.links.deliver_mail(peer);
    }
}

//! Groups: what the desk does about them. The rules of a group are the channel's; here is what is stored, what
//! is sent to whom, and what others may make us do.
//!
//! Everything travels in the members' sessions, whose outboxes keep it for whoever is away. Members read
//! what was said in one order: by the author's number, then the author.

mod change;
mod join;
mod receive;
mod repair;
mod talk;

use std::collections::BTreeSet;

use coworker_channel::{Committed, Group, GroupError, GroupNews, Message};
use coworker_policy::{ErrorCode, GroupId, PeerId, RequestId};
use coworker_store::GroupRow;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::link::redial;
use crate::state::{StateError, Transaction};

pub(crate) use receive::{greet, receive};

/// Groups of one agent, those that it is about to join and those that it was removed from included.
pub(crate) const MAX_GROUPS: usize = 64;
/// Messages kept of a group; the oldest make room.
pub(crate) const KEEP_MESSAGES: usize = 20_000;
/// Messages that may wait for one member; of what comes then only the name is kept, until there is room.
const MAX_WAITING: usize = 2048;

/// The desk's work on groups, and whom it left mail for.
pub(crate) struct GroupTransaction<'x, 'w> {
    pub(crate) tx: &'x mut Transaction<'w>,
    pub(crate) us: PeerId,
    away: BTreeSet<PeerId>,
}

/// Does `job` at the desk, then sends couriers to whom it left mail for.
pub(crate) async fn in_transaction<T, F>(agent: &Agent, job: F) -> Result<T, OpError>
where
    T: Send + 'static,
    F: FnOnce(&mut GroupTransaction<'_, '_>) -> Result<Result<T, OpError>, StateError> + Send + 'static,
{
    let us = agent.us;
    let tx = agent.state.run(move |tx| {
        let mut groups = GroupTransaction::new(tx, us);
        let value = job(&mut groups)?;
        Ok((value, groups.away))
    });
    let (value, away) = tx.await?;
    follow_up(agent, away).await;
    value
}

/// The same for who only looks: nobody is woken.
pub(crate) async fn in_read_transaction<T, F>(agent: &Agent, look: F) -> Result<T, OpError>
where
    T: Send + 'static,
    F: FnOnce(&mut GroupTransaction<'_, '_>) -> Result<T, StateError> + Send + 'static,
{
    let us = agent.us;
    Ok(agent.state.run(move |tx| look(&mut GroupTransaction::new(tx, us))).await?)
}

/// What is left to do once the work is on disk.
pub(crate) async fn follow_up(agent: &Agent, away: impl IntoIterator<Item = PeerId>) {
    agent.group_news.notify_waiters();
    for peer in away {
        redial::deliver_mail(agent, peer).await;
    }
}

/// What groups need from time to time: keys are renewed, what is old goes.
pub(crate) async fn keep_house(agent: &Agent, keep_ms: i64) -> Result<(), OpError> {
    in_transaction(agent, move |groups| {
        let before = groups.tx.now - keep_ms;
        groups.tx.store.prune_group_invites(before)?;
        for row in groups.tx.store.groups()? {
            groups.tx.store.prune_group_messages(row.id, KEEP_MESSAGES)?;
            groups.tx.store.prune_group_owed(row.id)?;
            if !row.ended {
                groups.renew(&row)?;
            }
        }
        Ok(Ok(()))
    })
    .await
}

/// A group as it is now.
pub(crate) struct View {
    pub(crate) steward: PeerId,
    /// Us included.
    pub(crate) members: Vec<PeerId>,
    pub(crate) epoch: u64,
    /// Who may take over when the steward is gone, the first first.
    pub(crate) deputies: Vec<PeerId>,
}

impl<'x, 'w> GroupTransaction<'x, 'w> {
    pub(crate) fn new(tx: &'x mut Transaction<'w>, us: PeerId) -> Self {
        Self { tx, us, away: BTreeSet::new() }
    }

    /// Whom mail was left for that is not connected.
    pub(crate) fn away(self) -> BTreeSet<PeerId> {
        self.away
    }

    /// A group that we are in.
    fn row(&self, id: GroupId) -> Result<Option<GroupRow>, StateError> {
        Ok(self.tx.store.group(id)?.filter(|row| !row.ended))
    }

    fn look<T>(&mut self, id: GroupId, look: impl FnOnce(&Group) -> T) -> Result<T, StateError> {
        self.tx.group(id).map(look)
    }

    pub(crate) fn view(&mut self, id: GroupId) -> Result<View, StateError> {
        let look = |group: &Group| {
            let roster = group.roster();
            (roster.steward(), roster.deputies().to_vec(), group.epoch())
        };
        let (steward, deputies, epoch) = self.look(id, look)?;
        Ok(View { steward, members: self.members(id)?, epoch, deputies })
    }

    fn members(&mut self, id: GroupId) -> Result<Vec<PeerId>, StateError> {
        self.look(id, |group| group.members().iter().map(|member| member.peer).collect())
    }

    fn steward(&mut self, id: GroupId) -> Result<PeerId, StateError> {
        self.look(id, |group| group.roster().steward())
    }

    fn tell(
        &mut self,
        peer: PeerId,
        id: RequestId,
        group: GroupId,
        news: GroupNews,
    ) -> Result<(), StateError> {
        let message = Message::Group { id, group, news: Box::new(news) };
        self.post(peer, id, &message.encode())
    }

    /// The same to many, written once.
    fn tell_all(&mut self, peers: &[PeerId], group: GroupId, news: GroupNews) -> Result<(), StateError> {
        let id = RequestId::random();
        let encoded = Message::Group { id, group, news: Box::new(news) }.encode();
        peers.iter().try_for_each(|peer| self.post(*peer, id, &encoded))
    }

    fn post(&mut self, peer: PeerId, id: RequestId, encoded: &[u8]) -> Result<(), StateError> {
        if !self.tx.is_linked(peer) {
            self.away.insert(peer);
        }
        self.tx.post_encoded(peer, Some(id), encoded)
    }

    /// A commit of ours, which is in the log: tells who needs it, welcomes who joined.
    fn spread(&mut self, id: GroupId, done: Committed) -> Result<(), StateError> {
        self.tell_all(&done.tell, id, GroupNews::Commit(done.logged.clone()))?;
        if let Some(welcome) = done.welcome {
            let entry = done.logged.entry;
            self.tell_all(&done.joined, id, GroupNews::Welcome { entry, welcome })?;
        }
        self.moved_on(id)
    }

    /// The group is in another epoch: what we keep of it beside its keys follows.
    fn moved_on(&mut self, id: GroupId) -> Result<(), StateError> {
        let name = self.look(id, |group| group.roster().name().to_string())?;
        let members = self.members(id)?;
        self.tx.store.set_group_members(id, &members)?;
        if let Some(row) = self.row(id)?.filter(|row| row.name != name) {
            self.tx.store.put_group(&GroupRow { name, ..row })?;
        }
        self.ask_again(id)?;
        members.iter().try_for_each(|peer| self.settle(id, *peer))
    }
}

/// What the owner hears when a group does not do what they want.
fn refused(error: &GroupError) -> OpError {
    use coworker_channel::GroupRefusal as Refusal;
    let said = OpError::new(ErrorCode::Usage, error.to_string());
    match error {
        GroupError::Refused(Refusal::NotSteward) => {
            said.hint("ask the steward: `coworker group members GROUP` says who that is")
        }
        GroupError::Refused(Refusal::Steward) => {
            said.hint("hand over first: coworker group transfer GROUP PEER")
        }
        GroupError::Refused(Refusal::NotDeputy) => {
            said.hint("only a deputy takes over; the steward names them: coworker group deputies GROUP PEER")
        }
        GroupError::Refused(Refusal::NotMember(_) | Refusal::Deputies) => {
            said.hint("see who is in it: coworker group members GROUP")
        }
        GroupError::Refused(Refusal::Full) => OpError { code: ErrorCode::LimitExceeded, ..said },
        GroupError::Refused(_) => said,
        other => OpError::fault(other),
    }
}

use std::collections::BTreeSet;

use coworker_channel::{Committed, Group, GroupError, GroupNews, Message};
use coworker_policy::{ErrorCode, GroupId, PeerId, RequestId};
use coworker_store::GroupRow;

use crate::base::error::OpError;
use crate::state::{StateError, Transaction};

/// Groups of one agent, including those that it is about to join and those that it was removed from.
pub(super) const MAX_GROUPS: usize = 64;
/// Messages kept of a group; the oldest make room.
pub(crate) const KEEP_MESSAGES: usize = 20_000;
/// Messages that may wait for one member. Of further messages only the id is kept until there is room.
pub(super) const MAX_WAITING: usize = 2048;

/// A group as it is now.
pub(crate) struct View {
    pub(crate) steward: PeerId,
    /// Us included.
    pub(crate) members: Vec<PeerId>,
    pub(crate) epoch: u64,
    /// The members that may take over when the steward is gone, in order.
    pub(crate) deputies: Vec<PeerId>,
}

/// A transaction's work on groups, and the absent peers that it left mail for.
pub(crate) struct GroupTransaction<'x, 'w> {
    pub(crate) tx: &'x mut Transaction<'w>,
    pub(crate) us: PeerId,
    away: BTreeSet<PeerId>,
}

impl<'x, 'w> GroupTransaction<'x, 'w> {
    pub(crate) fn new(tx: &'x mut Transaction<'w>, us: PeerId) -> Self {
        Self { tx, us, away: BTreeSet::new() }
    }

    /// The peers that mail was left for and that are not connected.
    pub(super) fn away(self) -> BTreeSet<PeerId> {
        self.away
    }

    /// A group that we are in.
    pub(super) fn row(&self, id: GroupId) -> Result<Option<GroupRow>, StateError> {
        Ok(self.tx.store.group(id)?.filter(|row| !row.ended))
    }

    pub(super) fn look<T>(&mut self, id: GroupId, look: impl FnOnce(&Group) -> T) -> Result<T, StateError> {
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

    pub(super) fn members(&mut self, id: GroupId) -> Result<Vec<PeerId>, StateError> {
        self.look(id, |group| group.members().iter().map(|member| member.peer).collect())
    }

    pub(super) fn steward(&mut self, id: GroupId) -> Result<PeerId, StateError> {
        self.look(id, |group| group.roster().steward())
    }

    pub(super) fn tell(
        &mut self,
        peer: PeerId,
        id: RequestId,
        group: GroupId,
        news: GroupNews,
    ) -> Result<(), StateError> {
        let message = Message::Group { id, group, news: Box::new(news) };
        self.post(peer, id, &message.encode())
    }

    /// Tells many peers; the message is encoded once.
    pub(super) fn tell_all(
        &mut self,
        peers: &[PeerId],
        group: GroupId,
        news: GroupNews,
    ) -> Result<(), StateError> {
        let id = RequestId::random();
        let encoded = Message::Group { id, group, news: Box::new(news) }.encode();
        peers.iter().try_for_each(|peer| self.post(*peer, id, &encoded))
    }

    pub(super) fn post(&mut self, peer: PeerId, id: RequestId, encoded: &[u8]) -> Result<(), StateError> {
        if !self.tx.is_linked(peer) {
            self.away.insert(peer);
        }
        self.tx.post_encoded(peer, Some(id), encoded)
    }

    /// Sends a commit of ours, which is in the log already, to the members, and welcomes the peers that joined.
    pub(super) fn spread(&mut self, id: GroupId, done: Committed) -> Result<(), StateError> {
        self.tell_all(&done.tell, id, GroupNews::Commit(done.logged.clone()))?;
        if let Some(welcome) = done.welcome {
            let entry = done.logged.entry;
            self.tell_all(&done.joined, id, GroupNews::Welcome { entry, welcome })?;
        }
        self.moved_on(id)
    }

    /// Updates the rows beside the keys after the group moved to another epoch.
    pub(super) fn moved_on(&mut self, id: GroupId) -> Result<(), StateError> {
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

/// The error for the owner when a group refuses a change.
pub(super) fn refused(error: &GroupError) -> OpError {
    use coworker_channel::GroupRefusal as Refusal;
    let said = OpError::new(ErrorCode::Usage, error.to_string());
    match error {
        GroupError::Refused(Refusal::NotSteward) => {
            said.suggest("ask the steward; see who it is", ["group", "members", "GROUP"])
        }
        GroupError::Refused(Refusal::Steward) => {
            said.suggest("hand over first", ["group", "transfer", "GROUP", "PEER"])
        }
        GroupError::Refused(Refusal::NotDeputy) => said.suggest(
            "only a deputy can take over; the steward names deputies",
            ["group", "deputies", "GROUP", "PEER"],
        ),
        GroupError::Refused(Refusal::NotMember(_) | Refusal::Deputies) => {
            said.suggest("see who is in it", ["group", "members", "GROUP"])
        }
        GroupError::Refused(Refusal::Full) => OpError { code: ErrorCode::LimitExceeded, ..said },
        GroupError::Refused(_) => said,
        other => OpError::fault(other),
    }
}

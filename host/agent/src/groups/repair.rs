//! Seals messages again that a member could not read: they came too late, or before the commit that they need.

use coworker_channel::GroupNews;
use coworker_policy::{GroupId, PeerId, RequestId, Text};
use coworker_store::Owed;

use super::transaction::{GroupTransaction, MAX_WAITING};
use crate::state::StateError;

/// Messages of a group that may be missing at once.
const MAX_MISSED: usize = 1024;
/// How often a missing message is asked for: each time that the group moves on.
const MAX_ASKED: u64 = 5;
/// How often a message is sealed again for one member in one epoch. It may stay unreadable in the same epoch, and two
/// agents would never stop asking.
const PER_EPOCH: u64 = 3;

impl GroupTransaction<'_, '_> {
    /// Asks the peer that delivered a message to send it again, because it could not be read.
    pub(super) fn missed(&mut self, via: PeerId, id: RequestId, group: GroupId) -> Result<(), StateError> {
        // A peer that is not a member takes no more than half of the room: anybody who knows the group's id may
        // deliver.
        let member = self.look(group, |group| group.is_member(via))?;
        let most = if member { MAX_MISSED } else { MAX_MISSED / 2 };
        self.tx.store.add_group_missed(group, via, id, most)?;
        self.tell(via, id, group, GroupNews::Unread)
    }

    /// Asks again after the group moved on: a message that could not be read may be readable if it is sealed now.
    pub(super) fn ask_again(&mut self, group: GroupId) -> Result<(), StateError> {
        for (via, id) in self.tx.store.ask_group_missed(group, MAX_ASKED)? {
            self.tell(via, id, group, GroupNews::Unread)?;
        }
        Ok(())
    }

    /// Sends a message of ours again, at once or as soon as the group moves on. Ids are random, so a peer that names
    /// one was sent the message.
    pub(super) fn unread(&mut self, peer: PeerId, id: RequestId, group: GroupId) -> Result<(), StateError> {
        let ours = self.tx.store.group_message(group, self.us, id)?.is_some();
        if !ours || !self.look(group, |group| group.is_member(peer))? {
            return Ok(());
        }
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let before = self.tx.store.group_owed(group, peer, id)?.filter(|owed| owed.epoch == epoch);
        let times = before.map_or(0, |owed| owed.times);
        if times < PER_EPOCH {
            return self.send_again(group, peer, id, times + 1);
        }
        Ok(self.tx.store.put_group_owed(group, &Owed { peer, id, epoch, times, due: true })?)
    }

    /// Sends a member the messages that it is owed, as far as there is room, except those that were sent often enough
    /// in this epoch.
    pub(super) fn settle(&mut self, group: GroupId, peer: PeerId) -> Result<(), StateError> {
        if self.tx.store.due_to_member(group, peer, 1)?.is_empty() {
            return Ok(());
        }
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let room = (MAX_WAITING / 2).saturating_sub(self.tx.store.queued(peer)?);
        for id in self.tx.store.due_to_member(group, peer, room)? {
            let Some(owed) = self.tx.store.group_owed(group, peer, id)? else { continue };
            let times = if owed.epoch == epoch { owed.times } else { 0 };
            if times < PER_EPOCH {
                self.send_again(group, peer, id, times + 1)?;
            }
        }
        Ok(())
    }

    fn send_again(
        &mut self,
        group: GroupId,
        peer: PeerId,
        id: RequestId,
        times: u64,
    ) -> Result<(), StateError> {
        let Some(row) = self.tx.store.group_message(group, self.us, id)? else { return Ok(()) };
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let owed = Owed { peer, id, epoch, times, due: false };
        self.tx.store.put_group_owed(group, &owed)?;
        match self.seal(group, row.seq, id, &Text::sanitized(&row.text))? {
            Ok(sealed) => self.tell(peer, id, group, GroupNews::Sealed { sealed }),
            Err(error) => super::receive::dropped(peer, &error),
        }
    }
}

//! What a member could not read is sealed again: it came too late, or before the commit that it needs.

use coworker_channel::GroupNews;
use coworker_policy::{GroupId, PeerId, RequestId, Text};
use coworker_store::Owed;

use super::transaction::{GroupTransaction, MAX_WAITING};
use crate::state::StateError;

/// Messages of a group that are missed at once, at most.
const MAX_MISSED: usize = 1024;
/// How often one is asked for, at most: each time that the group moves on.
const MAX_ASKED: u64 = 5;
/// How often a message is sealed again for one member in one epoch. In the same epoch it may be as
/// unreadable: two would never stop asking.
const PER_EPOCH: u64 = 3;

impl GroupTransaction<'_, '_> {
    /// Asks who delivered it for a message that could not be read.
    pub(super) fn missed(&mut self, via: PeerId, id: RequestId, group: GroupId) -> Result<(), StateError> {
        // Who is no member yet takes none of the members' places: anybody who knows the group's id may deliver.
        let member = self.look(group, |group| group.is_member(via))?;
        let most = if member { MAX_MISSED } else { MAX_MISSED / 2 };
        self.tx.store.add_group_missed(group.as_bytes(), via, &id.to_string(), most)?;
        self.tell(via, id, group, GroupNews::Unread)
    }

    /// The group moved on: what could not be read may be readable if it is sealed now.
    pub(super) fn ask_again(&mut self, group: GroupId) -> Result<(), StateError> {
        for (via, id) in self.tx.store.ask_group_missed(group.as_bytes(), MAX_ASKED)? {
            if let Ok(id) = id.parse() {
                self.tell(via, id, group, GroupNews::Unread)?;
            }
        }
        Ok(())
    }

    /// A member could not read what we said: it gets it again, or as soon as the group moves on. Ids are
    /// random, so who names one was sent the message.
    pub(super) fn unread(&mut self, peer: PeerId, id: RequestId, group: GroupId) -> Result<(), StateError> {
        let (key, tag) = (group.as_bytes(), id.to_string());
        let ours = self.tx.store.group_message(key, self.us, &tag)?.is_some();
        if !ours || !self.look(group, |group| group.is_member(peer))? {
            return Ok(());
        }
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let before = self.tx.store.group_owed(key, peer, &tag)?.filter(|owed| owed.epoch == epoch);
        let times = before.map_or(0, |owed| owed.times);
        if times < PER_EPOCH {
            return self.send_again(group, peer, &tag, times + 1);
        }
        Ok(self.tx.store.put_group_owed(key, &Owed { peer, id: tag, epoch, times, due: true })?)
    }

    /// Sends a member what it is owed, as far as there is room, unless the epoch is one for which it was
    /// sent often enough.
    pub(super) fn settle(&mut self, group: GroupId, peer: PeerId) -> Result<(), StateError> {
        let key = group.as_bytes();
        if self.tx.store.due_to_member(key, peer, 1)?.is_empty() {
            return Ok(());
        }
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let room = (MAX_WAITING / 2).saturating_sub(self.tx.store.queued(peer)?);
        for id in self.tx.store.due_to_member(key, peer, room)? {
            let Some(owed) = self.tx.store.group_owed(key, peer, &id)? else { continue };
            let times = if owed.epoch == epoch { owed.times } else { 0 };
            if times < PER_EPOCH {
                self.send_again(group, peer, &id, times + 1)?;
            }
        }
        Ok(())
    }

    fn send_again(&mut self, group: GroupId, peer: PeerId, tag: &str, times: u64) -> Result<(), StateError> {
        let key = group.as_bytes();
        let Some(row) = self.tx.store.group_message(key, self.us, tag)? else { return Ok(()) };
        let Ok(id) = row.id.parse::<RequestId>() else { return Ok(()) };
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let owed = Owed { peer, id: row.id, epoch, times, due: false };
        self.tx.store.put_group_owed(key, &owed)?;
        match self.seal(group, row.seq, id, &Text::sanitized(&row.text))? {
            Ok(sealed) => self.tell(peer, id, group, GroupNews::Sealed { sealed }),
            Err(error) => super::receive::dropped(peer, &error),
        }
    }
}

//! Messages in a group.
//!
//! All members read the same sequence: a message's number is higher than every number that its author had seen, and
//! no lower than the author's clock; where two numbers are equal, the author's id decides.

use coworker_channel::{GroupNews, GroupOpened, Message, Received};
use coworker_policy::{GroupId, PeerId, RequestId, Text};
use coworker_store::{GroupMessageRow, GroupRow, Owed};

use super::receive::dropped;
use super::transaction::{GroupTransaction, KEEP_MESSAGES, MAX_WAITING};
use crate::base::error::OpError;
use crate::state::{StateError, Wear};

/// Largest sealed message that is taken, in bytes: the longest text, escaped, with some room.
const MAX_TAKEN: usize = 32 * 1024;
/// Highest number of a message: every language's numbers hold it exactly.
const MAX_SEQ: u64 = 1 << 53;
/// How far a number may be ahead of our time for ours to follow it, in milliseconds. Without this bound one member
/// could use up all numbers.
const MAX_AHEAD_MS: u64 = 10 * 60 * 1000;
/// Messages that we seal to a group in one epoch. A member follows an author over a gap of 5,000 at once, and
/// messages that were sealed for others, or were not sent to an absent member, are gaps. A new epoch counts from
/// zero.
const WORN: u64 = 1_000;
/// The oldest messages are pruned each time that this many came.
const PRUNE_EVERY: u64 = 256;

impl GroupTransaction<'_, '_> {
    /// Sends `text` to all members; returns its number and the number of other members.
    pub(crate) fn say(
        &mut self,
        row: &GroupRow,
        id: RequestId,
        text: &Text,
    ) -> Result<Result<(u64, usize), OpError>, StateError> {
        let group = row.id;
        if self.is_worn(row)? {
            self.renew_keys(row)?;
        }
        let seq = row.clock.saturating_add(1).max(self.clock());
        let sealed = match self.seal(group, seq, id, text)? {
            Ok(sealed) => sealed,
            Err(error) => return Ok(Err(super::transaction::refused(&error))),
        };
        self.store(group, self.us, seq, 0, id, text)?;
        let us = self.us;
        let others: Vec<_> = self.members(group)?.into_iter().filter(|peer| *peer != us).collect();
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let news = Box::new(GroupNews::Sealed { sealed });
        let encoded = Message::Group { id, group, news }.encode();
        for peer in &others {
            // A member that is away for long gets the rest when it comes back.
            if self.tx.store.queued(*peer)? < MAX_WAITING {
                self.post(*peer, id, &encoded)?;
            } else {
                let owed = Owed { peer: *peer, id, epoch, times: 0, due: true };
                self.tx.store.put_group_owed(row.id, &owed)?;
            }
        }
        Ok(Ok((seq, others.len())))
    }

    fn clock(&self) -> u64 {
        u64::try_from(self.tx.now).unwrap_or_default()
    }

    pub(super) fn seal(
        &mut self,
        group: GroupId,
        seq: u64,
        id: RequestId,
        text: &Text,
    ) -> Result<Result<Vec<u8>, coworker_channel::GroupError>, StateError> {
        let batch = [Message::GroupMessage { id, text: text.clone() }.encode()];
        let sealed = self.tx.in_group(group, |group, tools| group.seal(tools, seq, None, &batch))?;
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        if let Some(wear) = self.tx.group_cache().wear.get_mut(&group) {
            let before = if wear.epoch == epoch { *wear } else { Wear { epoch, sealed: 0, due: WORN } };
            *wear = Wear { sealed: before.sealed + 1, ..before };
        }
        Ok(sealed)
    }

    /// True if so many messages were sealed in this epoch that our keys must be renewed first. It is true once for
    /// each such number, because the steward may be away.
    fn is_worn(&mut self, row: &GroupRow) -> Result<bool, StateError> {
        let id = row.id;
        let epoch = self.look(id, coworker_channel::Group::epoch)?;
        let mut wear = match self.tx.group_cache().wear.get(&id) {
            Some(wear) if wear.epoch == epoch => *wear,
            Some(_) => Wear { epoch, sealed: 0, due: WORN },
            // This process has just begun. It is at most the number of messages since our keys were renewed.
            None => {
                let sealed = self.tx.store.group_messages_of(row.id, self.us, row.renewed_ms)?;
                Wear { epoch, sealed: sealed as u64, due: WORN }
            }
        };
        let worn = wear.sealed >= wear.due;
        if worn {
            wear.due = wear.sealed + WORN;
        }
        self.tx.group_cache().wear.insert(id, wear);
        Ok(worn)
    }

    pub(super) fn sealed_came(
        &mut self,
        from: PeerId,
        id: RequestId,
        group: GroupId,
        row: &GroupRow,
        sealed: &[u8],
    ) -> Result<(), StateError> {
        if sealed.len() > MAX_TAKEN {
            tracing::info!(peer = %from, "a message to a group is too large");
            return Ok(());
        }
        match self.tx.in_group(group, |group, tools| group.open(tools, from, sealed))? {
            Ok(Received::Opened(opened)) => {
                self.tx.store.drop_group_missed(row.id, from, id)?;
                self.keep(group, opened)
            }
            Ok(Received::Held) => Ok(()),
            Ok(Received::Unreadable) => self.missed(from, id, group),
            Err(error) => dropped(from, &error),
        }
    }

    /// Keeps a member's texts. Other messages are dropped: questions go over the members' own sessions, where others
    /// do not read the answer.
    pub(super) fn keep(&mut self, group: GroupId, opened: GroupOpened) -> Result<(), StateError> {
        let (from, seq, to) = (opened.from(), opened.seq(), opened.to());
        let Some(row) = self.row(group)? else { return Ok(()) };
        let in_range = (row.floor + 1..=MAX_SEQ).contains(&seq);
        if !in_range || to.is_some_and(|to| to != self.us) {
            return Ok(());
        }
        for (part, message) in (0..).zip(opened.into_messages()) {
            if let Ok(Message::GroupMessage { id, text }) = message {
                self.store(group, from, seq, part, id, &text)?;
            }
        }
        Ok(())
    }

    fn store(
        &mut self,
        group: GroupId,
        author: PeerId,
        seq: u64,
        part: u64,
        id: RequestId,
        text: &Text,
    ) -> Result<(), StateError> {
        let ours = self.clock().saturating_add(MAX_AHEAD_MS);
        let row = GroupMessageRow {
            n: 0,
            group,
            seq,
            author,
            part,
            id,
            text: text.to_string(),
            at_ms: self.tx.now,
        };
        let followed = if seq <= ours || author == self.us { seq } else { 0 };
        if self.tx.store.add_group_message(&row, followed)? {
            let stored = &mut self.tx.group_cache().stored;
            *stored += 1;
            if stored.is_multiple_of(PRUNE_EVERY) {
                self.tx.store.prune_group_messages(row.group, KEEP_MESSAGES)?;
            }
        }
        Ok(())
    }
}

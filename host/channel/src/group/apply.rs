//! Applying commits that other members made.

use coworker_policy::PeerId;
use openmls::framing::{ContentType, MlsMessageBodyIn, PrivateMessageIn, ProcessedMessageContent, Sender};
use openmls::group::StagedCommit;
use openmls::prelude::LeafNodeIndex;

use super::error::{CommitFault, GroupError, GroupFault};
use super::ledger::Ledger;
use super::rules::{Authority, Change};
use super::seal::GroupOpened;
use super::state::{Backend, Group};
use crate::error::PeerFault;
use crate::group_log::{LogEntry, Logged};
use crate::limits::MAX_COMMIT;
use crate::mls::{message_error, parse, state_error};
use crate::parameters::{Provider, Storage};

/// The result of applying a logged commit.
#[derive(Debug)]
pub enum Applied {
    /// The group advanced by one epoch.
    Advanced {
        /// New members, and members that came back with new keys.
        joined: Vec<PeerId>,
        left: Vec<PeerId>,
        /// The messages that were held for this epoch. Those that could not be opened are lost.
        opened: Vec<Result<GroupOpened, GroupError>>,
    },
    /// The commit removed us.
    Removed,
    /// We applied this commit earlier.
    Known,
    /// The entry is from an earlier term than the group's. Its author has to rejoin.
    Superseded,
    /// Commits before this one are missing. Request the log starting at our epoch.
    Behind,
}

impl Group {
    /// Applies a commit that the log contains. Compares an entry of a past epoch with ours, which detects a
    /// steward that signed two entries for one epoch.
    pub fn apply<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        logged: &Logged,
    ) -> Result<Applied, GroupError> {
        self.ensure_active()?;
        let entry = &logged.entry;
        if entry.group() != self.id {
            return Err(GroupFault::OtherGroup.into());
        }
        if logged.commit.len() > MAX_COMMIT {
            return Err(GroupFault::CommitSize.into());
        }
        if entry.epoch() < self.epoch() {
            return self.compare_past(backend, entry);
        }
        if entry.epoch() > self.epoch() {
            return Ok(Applied::Behind);
        }
        if entry.term() < self.roster.term {
            return Ok(Applied::Superseded);
        }
        let authority = self.authority(entry)?;
        if !entry.vouches_for(&logged.commit) {
            return Err(GroupFault::NotInLog.into());
        }
        if entry.previous() != self.head {
            return Err(forked(entry));
        }
        self.apply_next(backend, authority, logged)
    }

    fn compare_past<S: Storage, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        entry: &LogEntry,
    ) -> Result<Applied, GroupError> {
        let known = backend.ledger.entry(self.id, entry.epoch()).map_err(GroupError::ledger)?;
        match known {
            None => Ok(Applied::Known),
            Some(known) if known.head() == entry.head() => Ok(Applied::Known),
            Some(known) if known.contradicts(entry) => {
                Err(GroupFault::Equivocation(Box::new([known, entry.clone()])).into())
            }
            Some(_) if entry.term() > self.roster.term && self.may_lead(entry.author()) => Err(forked(entry)),
            Some(known) if known.term() > entry.term() => Ok(Applied::Superseded),
            Some(_) => Err(GroupFault::Author.into()),
        }
    }

    fn apply_next<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        authority: Authority,
        logged: &Logged,
    ) -> Result<Applied, GroupError> {
        let ours = backend.ledger.proposed(self.id).map_err(GroupError::ledger)?;
        let change = if ours.as_deref() == Some(&logged.commit) {
            self.merge_own(backend, authority)?
        } else {
            self.merge_other(backend, authority, &logged.commit)?
        };
        let (joined, left) = (change.joined.clone(), change.left.clone());
        self.advance(backend, logged, change)?;
        if !self.is_active() {
            return Ok(Applied::Removed);
        }
        Ok(Applied::Advanced { joined, left, opened: self.released(backend)? })
    }

    fn merge_own<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        authority: Authority,
    ) -> Result<Change, GroupError> {
        let pending = self.mls.pending_commit().ok_or(GroupFault::NotInLog)?;
        let change = self.check_commit(authority, self.mls.own_leaf_index(), pending)?;
        self.mls
            .merge_pending_commit(&Provider::new(backend.storage))
            .map_err(state_error("apply our own commit"))?;
        Ok(change)
    }

    fn merge_other<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        authority: Authority,
        commit: &[u8],
    ) -> Result<Change, GroupError> {
        let (sender, staged) = self.staged(backend, commit)?.ok_or(CommitFault::NotCommit)?;
        let change = self.check_commit(authority, sender, &staged)?;
        self.mls
            .merge_staged_commit(&Provider::new(backend.storage), *staged)
            .map_err(state_error("apply a commit"))?;
        Ok(change)
    }

    /// Verifies a commit and returns it with its author's leaf. Returns `None` if it is not for the current epoch.
    pub(super) fn staged<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        commit: &[u8],
    ) -> Result<Option<(LeafNodeIndex, Box<StagedCommit>)>, GroupError> {
        let message = self.private_message(commit, MAX_COMMIT)?;
        if message.content_type() != ContentType::Commit {
            return Err(CommitFault::NotCommit.into());
        }
        if message.epoch() != self.mls.epoch() {
            return Ok(None);
        }
        let processed =
            self.mls.process_message(&Provider::new(backend.storage), message).map_err(message_error)?;
        let Sender::Member(sender) = *processed.sender() else {
            return Err(CommitFault::Sender.into());
        };
        match processed.into_content() {
            ProcessedMessageContent::StagedCommitMessage(staged) => Ok(Some((sender, staged))),
            _ => Err(CommitFault::NotCommit.into()),
        }
    }

    /// Refuses a message that is not for this group before any key is used up for it.
    pub(super) fn private_message(&self, bytes: &[u8], max: usize) -> Result<PrivateMessageIn, GroupError> {
        let wrong = PeerFault::Malformed { expected: "a private MLS message" };
        if bytes.len() > max {
            return Err(wrong.into());
        }
        let MlsMessageBodyIn::PrivateMessage(message) = parse(bytes, "a private MLS message")? else {
            return Err(wrong.into());
        };
        if message.group_id() == self.mls.group_id() {
            Ok(message)
        } else {
            Err(GroupFault::OtherGroup.into())
        }
    }
}

fn forked(entry: &LogEntry) -> GroupError {
    GroupFault::Forked { steward: entry.author(), term: entry.term() }.into()
}

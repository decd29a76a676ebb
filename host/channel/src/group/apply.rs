//! What a member does with commits that others made.

use coworker_policy::PeerId;
use openmls::framing::{ContentType, MlsMessageBodyIn, PrivateMessageIn, ProcessedMessageContent, Sender};
use openmls::group::StagedCommit;
use openmls::prelude::LeafNodeIndex;

use super::error::{CommitFault, GroupError, GroupFault};
use super::ledger::Ledger;
use super::log::{LogEntry, Logged, MAX_COMMIT};
use super::rules::{Authority, Change};
use super::seal::GroupOpened;
use super::{Group, Tools, ledger_failed};
use crate::error::PeerFault;
use crate::parameters::{Provider, Storage};
use crate::session::checks::{failed, message_failed, parsed};

/// What became of a logged commit.
#[derive(Debug)]
pub enum Applied {
    /// The group is one epoch further.
    Advanced {
        /// Who is in it that was not, or came back with new keys.
        joined: Vec<PeerId>,
        left: Vec<PeerId>,
        /// The messages that waited for this epoch. What could not be opened is lost.
        opened: Vec<Result<GroupOpened, GroupError>>,
    },
    /// The commit removed us.
    Removed,
    /// We made this commit before.
    Known,
    /// Its author was the steward in an earlier term than the group's: it has to rejoin.
    Superseded,
    /// Commits before this one are missing: ask for the log from our epoch on.
    Behind,
}

impl Group {
    /// Makes a commit that the log vouches for. Entries of the past are compared with ours: this is where a
    /// steward that signed two for one epoch is caught.
    pub fn apply<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        logged: &Logged,
    ) -> Result<Applied, GroupError> {
        self.active()?;
        let entry = &logged.entry;
        if entry.group() != self.id {
            return Err(GroupFault::OtherGroup.into());
        }
        if logged.commit.len() > MAX_COMMIT {
            return Err(GroupFault::CommitSize.into());
        }
        if entry.epoch() < self.epoch() {
            return self.compare(tools, entry);
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
        self.make(tools, authority, logged)
    }

    /// An entry for an epoch that we left.
    fn compare<S: Storage, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        entry: &LogEntry,
    ) -> Result<Applied, GroupError> {
        let known = tools.ledger.entry(self.id, entry.epoch()).map_err(ledger_failed)?;
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

    fn make<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        authority: Authority,
        logged: &Logged,
    ) -> Result<Applied, GroupError> {
        let ours = tools.ledger.proposed(self.id).map_err(ledger_failed)?;
        let change = if ours.as_deref() == Some(&logged.commit) {
            self.merge_own(tools, authority)?
        } else {
            self.merge_other(tools, authority, &logged.commit)?
        };
        let (joined, left) = (change.joined.clone(), change.left.clone());
        self.advance(tools, logged, change)?;
        if !self.is_active() {
            return Ok(Applied::Removed);
        }
        Ok(Applied::Advanced { joined, left, opened: self.released(tools)? })
    }

    fn merge_own<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        authority: Authority,
    ) -> Result<Change, GroupError> {
        let pending = self.group.pending_commit().ok_or(GroupFault::NotInLog)?;
        let change = self.judge(authority, self.group.own_leaf_index(), pending)?;
        self.group
            .merge_pending_commit(&Provider::new(tools.storage))
            .map_err(failed("make our own commit"))?;
        Ok(change)
    }

    fn merge_other<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        authority: Authority,
        commit: &[u8],
    ) -> Result<Change, GroupError> {
        let (sender, staged) = self.staged(tools, commit)?.ok_or(CommitFault::NotCommit)?;
        let change = self.judge(authority, sender, &staged)?;
        self.group
            .merge_staged_commit(&Provider::new(tools.storage), *staged)
            .map_err(failed("make a commit"))?;
        Ok(change)
    }

    /// A commit as MLS verified it, and its author's leaf. `None` if it is not for the epoch that we are in.
    pub(super) fn staged<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        commit: &[u8],
    ) -> Result<Option<(LeafNodeIndex, Box<StagedCommit>)>, GroupError> {
        let message = self.private(commit, MAX_COMMIT)?;
        if message.content_type() != ContentType::Commit {
            return Err(CommitFault::NotCommit.into());
        }
        if message.epoch() != self.group.epoch() {
            return Ok(None);
        }
        let processed =
            self.group.process_message(&Provider::new(tools.storage), message).map_err(message_failed)?;
        let Sender::Member(sender) = *processed.sender() else {
            return Err(CommitFault::Sender.into());
        };
        match processed.into_content() {
            ProcessedMessageContent::StagedCommitMessage(staged) => Ok(Some((sender, staged))),
            _ => Err(CommitFault::NotCommit.into()),
        }
    }

    /// What can be refused before a key is spent on it.
    pub(super) fn private(&self, bytes: &[u8], max: usize) -> Result<PrivateMessageIn, GroupError> {
        let wrong = PeerFault::Malformed { expected: "a private MLS message" };
        if bytes.len() > max {
            return Err(wrong.into());
        }
        let MlsMessageBodyIn::PrivateMessage(message) = parsed(bytes, "a private MLS message")? else {
            return Err(wrong.into());
        };
        if message.group_id() == self.group.group_id() {
            Ok(message)
        } else {
            Err(GroupFault::OtherGroup.into())
        }
    }
}

fn forked(entry: &LogEntry) -> GroupError {
    GroupFault::Forked { steward: entry.author(), term: entry.term() }.into()
}

//! Commits by the steward, or by a deputy that takes over.

use std::collections::BTreeSet;

use coworker_policy::PeerId;
use openmls::framing::MlsMessageOut;
use openmls::group::CommitMessageBundle;
use openmls::key_packages::KeyPackage;
use openmls::prelude::{LeafNodeIndex, OpenMlsProvider as _};

use super::error::{CommitFault, GroupError, GroupFault, GroupRefusal};
use super::ledger::Ledger;
use super::roster::Roster;
use super::rules::{Authority, Change};
use super::state::{Backend, Group};
use crate::certificate;
use crate::error::PeerFault;
use crate::group_log::{LogEntry, Logged, Place};
use crate::group_name::GroupName;
use crate::limits::{MAX_COMMIT, MAX_MEMBERS};
use crate::mls::{checked_key_package, state_error, to_bytes};
use crate::parameters::{Provider, Storage};

/// An agent to admit, and the key package that it sent over its own session.
#[derive(Clone, Copy, Debug)]
pub struct Joiner<'a> {
    pub peer: PeerId,
    pub key_package: &'a [u8],
}

/// A commit of ours that is in the log. Send it once storage and ledger are committed.
#[derive(Debug)]
pub struct Committed {
    pub logged: Logged,
    /// Recipients of `logged`: all previous members, including the removed ones, without us and the joined.
    pub tell: Vec<PeerId>,
    /// One welcome for all that joined. Each of them needs it together with the entry of `logged`.
    pub welcome: Option<Vec<u8>>,
    pub joined: Vec<PeerId>,
    pub left: Vec<PeerId>,
}

/// The content of a commit to make.
#[derive(Default)]
struct Content {
    remove: Vec<LeafNodeIndex>,
    add: Vec<KeyPackage>,
    roster: Option<Roster>,
}

impl Group {
    /// Admits agents. A joiner that is a member already is removed and added in the same commit. So a member
    /// that lost its state or diverged can come back.
    pub fn admit<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        joiners: &[Joiner<'_>],
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        distinct(joiners.iter().map(|joiner| joiner.peer))?;
        let provider = Provider::new(backend.storage);
        let mut content = Content::default();
        for joiner in joiners {
            let key_package = checked_key_package(&provider, joiner.key_package)?;
            let leaf = key_package.leaf_node();
            certificate::check(leaf.credential(), leaf.signature_key().as_slice(), joiner.peer)?;
            if joiner.peer == self.roster.steward {
                return Err(GroupRefusal::Steward.into());
            }
            content.remove.extend(self.leaf_of(joiner.peer));
            content.add.push(key_package);
        }
        let size = self.mls.members().count() + content.add.len() - content.remove.len();
        if size > MAX_MEMBERS {
            return Err(GroupRefusal::Full.into());
        }
        self.commit(backend, Authority::Steward, content)
    }

    /// Removes members, whether or not they asked to leave. A removed deputy leaves the list of deputies.
    pub fn remove<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        peers: &[PeerId],
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        distinct(peers.iter().copied())?;
        let mut content = Content::default();
        for peer in peers {
            if *peer == self.roster.steward {
                return Err(GroupRefusal::Steward.into());
            }
            content.remove.push(self.leaf_of(*peer).ok_or(GroupRefusal::NotMember(*peer))?);
        }
        if self.roster.deputies.iter().any(|deputy| peers.contains(deputy)) {
            let mut roster = self.roster.clone();
            roster.deputies.retain(|deputy| !peers.contains(deputy));
            content.roster = Some(roster);
        }
        self.commit(backend, Authority::Steward, content)
    }

    /// Rotates our own keys as steward. Other members use [`Group::propose_update`].
    pub fn update<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        self.commit(backend, Authority::Steward, Content::default())
    }

    pub fn rename<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        name: GroupName,
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        self.set_roster(backend, Roster { name, ..self.roster.clone() })
    }

    /// Sets the members that may take over from us, in order of precedence.
    pub fn set_deputies<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        deputies: Vec<PeerId>,
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        if let Some(stranger) = deputies.iter().find(|deputy| !self.is_member(**deputy)) {
            return Err(GroupRefusal::NotMember(*stranger).into());
        }
        self.set_roster(backend, Roster { deputies, ..self.roster.clone() })
    }

    /// Makes another member the steward. The other deputies stay.
    pub fn transfer<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        to: PeerId,
    ) -> Result<Committed, GroupError> {
        self.ensure_steward()?;
        if to == self.roster.steward {
            return Err(GroupRefusal::Steward.into());
        }
        if !self.is_member(to) {
            return Err(GroupRefusal::NotMember(to).into());
        }
        let mut roster = self.roster.clone();
        roster.term = roster.term.transferred();
        roster.deputies.retain(|deputy| *deputy != to);
        roster.steward = to;
        self.set_roster(backend, roster)
    }

    /// Becomes the steward as a deputy, without the steward's consent. Meant for a steward that is gone for
    /// good: its later commits are not accepted, and if it comes back it has to rejoin.
    pub fn take_over<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
    ) -> Result<Committed, GroupError> {
        self.ensure_active()?;
        let me = self.own_id()?;
        let term = self.roster.succession(me).ok_or(GroupRefusal::NotDeputy)?;
        let roster = self.roster.succeeded_by(me, term);
        self.mls.clear_pending_commit(backend.storage).map_err(state_error("withdraw an update"))?;
        let content = Content { roster: Some(roster), ..Content::default() };
        self.commit(backend, Authority::Deputy(me, term), content)
    }

    /// Puts the key rotation by `from` into the log. Returns `None` if it is for an earlier epoch. Then `from`
    /// has to catch up and try again.
    pub fn accept<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        from: PeerId,
        commit: &[u8],
    ) -> Result<Option<Committed>, GroupError> {
        self.ensure_steward()?;
        let Some((sender, staged)) = self.staged(backend, commit)? else {
            return Ok(None);
        };
        if self.leaf_of(from) != Some(sender) {
            return Err(CommitFault::Sender.into());
        }
        let change = self.check_commit(Authority::Steward, sender, &staged)?;
        let before = self.member_ids();
        self.mls
            .merge_staged_commit(&Provider::new(backend.storage), *staged)
            .map_err(state_error("apply a member's commit"))?;
        self.log(backend, Authority::Steward, commit.to_vec(), None, change, &before).map(Some)
    }

    fn set_roster<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        roster: Roster,
    ) -> Result<Committed, GroupError> {
        let roster = roster.checked().map_err(|_| GroupRefusal::Deputies)?;
        self.commit(backend, Authority::Steward, Content { roster: Some(roster), ..Content::default() })
    }

    /// Makes every commit of ours that goes into the log. We order the commits, or become the steward with this
    /// one, so no other member has to confirm it.
    fn commit<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        authority: Authority,
        content: Content,
    ) -> Result<Committed, GroupError> {
        let before = self.member_ids();
        let bundle = self.staged_commit(backend, content)?;
        let commit = to_bytes(bundle.commit())?;
        if commit.len() > MAX_COMMIT {
            return Err(GroupFault::CommitSize.into());
        }
        let welcome = bundle.to_welcome_msg().as_ref().map(to_bytes).transpose()?;
        let pending = self.mls.pending_commit().ok_or(CommitFault::NotCommit)?;
        let change = self.check_commit(authority, self.mls.own_leaf_index(), pending)?;
        self.mls
            .merge_pending_commit(&Provider::new(backend.storage))
            .map_err(state_error("make a commit"))?;
        self.log(backend, authority, commit, welcome, change, &before)
    }

    fn staged_commit<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        content: Content,
    ) -> Result<CommitMessageBundle, GroupError> {
        let provider = Provider::new(backend.storage);
        // Every commit of ours rotates our keys, so that a steward's leaf never expires.
        let mut builder = self
            .mls
            .commit_builder()
            .force_self_update(true)
            .propose_removals(content.remove)
            .propose_adds(content.add);
        if let Some(roster) = content.roster {
            builder = builder
                .propose_group_context_extensions(roster.extensions()?)
                .map_err(state_error("change a group's roster"))?;
        }
        // openmls only fails here because of a joiner's key package.
        let built = builder
            .load_psks(backend.storage)
            .map_err(state_error("read a group"))?
            .build(provider.rand(), provider.crypto(), backend.member, |_| true)
            .map_err(|error| PeerFault::KeyPackage(Box::new(error)))?;
        Ok(built.stage_commit(&provider).map_err(state_error("make a commit"))?)
    }

    /// Signs the commit that was just merged, and appends it to the log.
    fn log<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        authority: Authority,
        commit: Vec<u8>,
        welcome: Option<Vec<u8>>,
        change: Change,
        before: &[PeerId],
    ) -> Result<Committed, GroupError> {
        let term = match authority {
            Authority::Steward => self.roster.term,
            Authority::Deputy(_, term) => term,
        };
        let place = Place { group: self.id, term, epoch: self.epoch() - 1, previous: self.head };
        let entry = LogEntry::sign(backend.identity, &place, &commit);
        let logged = Logged { entry, commit };
        let (joined, left) = (change.joined.clone(), change.left.clone());
        self.advance(backend, &logged, change)?;
        let me = backend.identity.peer_id();
        let tell = before.iter().copied().filter(|peer| *peer != me && !joined.contains(peer)).collect();
        Ok(Committed { logged, tell, welcome, joined, left })
    }

    /// Records a commit that has been merged into the MLS group.
    pub(super) fn advance<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        logged: &Logged,
        change: Change,
    ) -> Result<(), GroupError> {
        self.roster = change.roster;
        self.head = logged.entry.head();
        backend.ledger.append(self.id, logged).map_err(GroupError::ledger)?;
        backend.ledger.propose(self.id, None).map_err(GroupError::ledger)
    }

    /// Rotates our own keys as a member: returns a commit for the steward to log. Returns the same commit until
    /// the group advances.
    pub fn propose_update<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
    ) -> Result<Vec<u8>, GroupError> {
        self.ensure_active()?;
        if self.is_steward() {
            return Err(GroupRefusal::Steward.into());
        }
        if let Some(commit) = backend.ledger.proposed(self.id).map_err(GroupError::ledger)? {
            return Ok(commit);
        }
        let commit: MlsMessageOut = self.staged_commit(backend, Content::default())?.into_commit();
        let commit = to_bytes(&commit)?;
        backend.ledger.propose(self.id, Some(&commit)).map_err(GroupError::ledger)?;
        Ok(commit)
    }
}

fn distinct(peers: impl Iterator<Item = PeerId>) -> Result<(), GroupRefusal> {
    let mut seen = BTreeSet::new();
    for peer in peers {
        if !seen.insert(peer) {
            return Err(GroupRefusal::Twice(peer));
        }
    }
    if seen.is_empty() { Err(GroupRefusal::Nobody) } else { Ok(()) }
}

//! What the steward does, and a deputy in its place.

use std::collections::BTreeSet;

use coworker_policy::PeerId;
use openmls::framing::MlsMessageOut;
use openmls::group::CommitMessageBundle;
use openmls::key_packages::KeyPackage;
use openmls::prelude::{LeafNodeIndex, OpenMlsProvider as _};

use super::error::{CommitFault, GroupError, GroupFault, GroupRefusal};
use super::ledger::Ledger;
use super::log::{LogEntry, Logged, MAX_COMMIT, Place};
use super::name::GroupName;
use super::roster::Roster;
use super::rules::{Authority, Change};
use super::{Group, MAX_MEMBERS, Tools, ledger_failed};
use crate::certificate;
use crate::error::PeerFault;
use crate::parameters::{Provider, Storage};
use crate::session::checks::{bytes, checked_key_package, failed};

/// Whom to let in: an agent, and the key package that it sent over its own session.
#[derive(Clone, Copy, Debug)]
pub struct Joiner<'a> {
    pub peer: PeerId,
    pub key_package: &'a [u8],
}

/// A commit of ours, which is in the log and counts. What to send once storage and ledger are committed.
#[derive(Debug)]
pub struct Committed {
    pub logged: Logged,
    /// Who needs `logged`: everyone who was a member before, those it removes too, but for us and the joined.
    pub tell: Vec<PeerId>,
    /// One for all who joined; each needs it with the entry of `logged`.
    pub welcome: Option<Vec<u8>>,
    pub joined: Vec<PeerId>,
    pub left: Vec<PeerId>,
}

#[derive(Default)]
struct Wanted {
    remove: Vec<LeafNodeIndex>,
    add: Vec<KeyPackage>,
    roster: Option<Roster>,
}

impl Group {
    /// Lets agents in. One that is a member already is removed and added in the same commit: that is how a
    /// member that lost its state, or went another way, comes back.
    pub fn admit<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        joiners: &[Joiner<'_>],
    ) -> Result<Committed, GroupError> {
        self.steward()?;
        distinct(joiners.iter().map(|joiner| joiner.peer))?;
        let provider = Provider::new(tools.storage);
        let mut wanted = Wanted::default();
        for joiner in joiners {
            let key_package = checked_key_package(&provider, joiner.key_package)?;
            let leaf = key_package.leaf_node();
            certificate::check(leaf.credential(), leaf.signature_key().as_slice(), joiner.peer)?;
            if joiner.peer == self.roster.steward {
                return Err(GroupRefusal::Steward.into());
            }
            wanted.remove.extend(self.leaf_of(joiner.peer));
            wanted.add.push(key_package);
        }
        let size = self.group.members().count() + wanted.add.len() - wanted.remove.len();
        if size > MAX_MEMBERS {
            return Err(GroupRefusal::Full.into());
        }
        self.commit(tools, Authority::Steward, wanted)
    }

    /// Removes members, those who asked to leave among them. A deputy among them is none afterwards.
    pub fn remove<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        peers: &[PeerId],
    ) -> Result<Committed, GroupError> {
        self.steward()?;
        distinct(peers.iter().copied())?;
        let mut wanted = Wanted::default();
        for peer in peers {
            if *peer == self.roster.steward {
                return Err(GroupRefusal::Steward.into());
            }
            wanted.remove.push(self.leaf_of(*peer).ok_or(GroupRefusal::NotMember(*peer))?);
        }
        if self.roster.deputies.iter().any(|deputy| peers.contains(deputy)) {
            let mut roster = self.roster.clone();
            roster.deputies.retain(|deputy| !peers.contains(deputy));
            wanted.roster = Some(roster);
        }
        self.commit(tools, Authority::Steward, wanted)
    }

    /// Rotates our own keys. A member asks the steward instead: [`Group::propose_update`].
    pub fn update<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
    ) -> Result<Committed, GroupError> {
        self.steward()?;
        self.commit(tools, Authority::Steward, Wanted::default())
    }

    pub fn rename<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        name: GroupName,
    ) -> Result<Committed, GroupError> {
        self.steward()?;
        self.set_roster(tools, Roster { name, ..self.roster.clone() })
    }

    /// Names who may take over when we are gone, the first first.
    pub fn set_deputies<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        deputies: Vec<PeerId>,
    ) -> Result<Committed, GroupError> {
        self.steward()?;
        if let Some(stranger) = deputies.iter().find(|deputy| !self.is_member(**deputy)) {
            return Err(GroupRefusal::NotMember(*stranger).into());
        }
        self.set_roster(tools, Roster { deputies, ..self.roster.clone() })
    }

    /// Makes another member the steward. Deputies stay, but for that one.
    pub fn transfer<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        to: PeerId,
    ) -> Result<Committed, GroupError> {
        self.steward()?;
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
        self.set_roster(tools, roster)
    }

    /// Becomes the steward without being asked, as a deputy. Right where the steward is gone for good: what
    /// it commits from now on counts nowhere, and if it comes back it rejoins.
    pub fn take_over<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
    ) -> Result<Committed, GroupError> {
        self.active()?;
        let me = self.me()?;
        let term = self.roster.succession(me).ok_or(GroupRefusal::NotDeputy)?;
        let roster = self.roster.succeeded_by(me, term);
        self.group.clear_pending_commit(tools.storage).map_err(failed("withdraw an update"))?;
        let wanted = Wanted { roster: Some(roster), ..Wanted::default() };
        self.commit(tools, Authority::Deputy(me, term), wanted)
    }

    /// Puts the update that `from` made of its own keys into the log. `None` if the group has moved on since:
    /// first come, first served; `from` needs the log and tries again.
    pub fn accept<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        from: PeerId,
        commit: &[u8],
    ) -> Result<Option<Committed>, GroupError> {
        self.steward()?;
        let Some((sender, staged)) = self.staged(tools, commit)? else {
            return Ok(None);
        };
        if self.leaf_of(from) != Some(sender) {
            return Err(CommitFault::Sender.into());
        }
        let change = self.judge(Authority::Steward, sender, &staged)?;
        let before = self.everyone();
        self.group
            .merge_staged_commit(&Provider::new(tools.storage), *staged)
            .map_err(failed("make a member's commit"))?;
        self.log(tools, Authority::Steward, commit.to_vec(), None, change, &before).map(Some)
    }

    fn set_roster<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        roster: Roster,
    ) -> Result<Committed, GroupError> {
        let roster = roster.checked().map_err(|_| GroupRefusal::Deputies)?;
        self.commit(tools, Authority::Steward, Wanted { roster: Some(roster), ..Wanted::default() })
    }

    /// The one place where we make commits that count. Being the sequencer, or the deputy whose term is the
    /// highest, we need nobody's word for it: the epoch was compared by being our own.
    fn commit<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        authority: Authority,
        wanted: Wanted,
    ) -> Result<Committed, GroupError> {
        let before = self.everyone();
        let bundle = self.staged_commit(tools, wanted)?;
        let commit = bytes(bundle.commit())?;
        if commit.len() > MAX_COMMIT {
            return Err(GroupFault::CommitSize.into());
        }
        let welcome = bundle.to_welcome_msg().as_ref().map(bytes).transpose()?;
        let pending = self.group.pending_commit().ok_or(CommitFault::NotCommit)?;
        let change = self.judge(authority, self.group.own_leaf_index(), pending)?;
        self.group.merge_pending_commit(&Provider::new(tools.storage)).map_err(failed("make a commit"))?;
        self.log(tools, authority, commit, welcome, change, &before)
    }

    fn staged_commit<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        wanted: Wanted,
    ) -> Result<CommitMessageBundle, GroupError> {
        let provider = Provider::new(tools.storage);
        // Every commit of ours rotates our keys, so that a steward's leaf never grows old.
        let mut builder = self
            .group
            .commit_builder()
            .force_self_update(true)
            .propose_removals(wanted.remove)
            .propose_adds(wanted.add);
        if let Some(roster) = wanted.roster {
            builder = builder
                .propose_group_context_extensions(roster.extensions()?)
                .map_err(failed("change a group's roster"))?;
        }
        // What openmls refuses here is a key package of somebody else's.
        let built = builder
            .load_psks(tools.storage)
            .map_err(failed("read a group"))?
            .build(provider.rand(), provider.crypto(), tools.member, |_| true)
            .map_err(|error| PeerFault::KeyPackage(Box::new(error)))?;
        Ok(built.stage_commit(&provider).map_err(failed("make a commit"))?)
    }

    /// Signs the commit that was just merged into the log.
    fn log<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
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
        let entry = LogEntry::sign(tools.identity, &place, &commit);
        let logged = Logged { entry, commit };
        let (joined, left) = (change.joined.clone(), change.left.clone());
        self.advance(tools, &logged, change)?;
        let me = tools.identity.peer_id();
        let tell = before.iter().copied().filter(|peer| *peer != me && !joined.contains(peer)).collect();
        Ok(Committed { logged, tell, welcome, joined, left })
    }

    /// Records a commit that the group in memory and in storage has made.
    pub(super) fn advance<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        logged: &Logged,
        change: Change,
    ) -> Result<(), GroupError> {
        self.roster = change.roster;
        self.head = logged.entry.head();
        tools.ledger.append(self.id, logged).map_err(ledger_failed)?;
        tools.ledger.propose(self.id, None).map_err(ledger_failed)
    }

    fn everyone(&self) -> Vec<PeerId> {
        self.members().into_iter().map(|member| member.peer).collect()
    }

    /// A member's own update as a commit for the steward to log; ours until then. Asking again before the
    /// steward answered gives the same commit.
    pub fn propose_update<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
    ) -> Result<Vec<u8>, GroupError> {
        self.active()?;
        if self.is_steward() {
            return Err(GroupRefusal::Steward.into());
        }
        if let Some(commit) = tools.ledger.proposed(self.id).map_err(ledger_failed)? {
            return Ok(commit);
        }
        let commit: MlsMessageOut = self.staged_commit(tools, Wanted::default())?.into_commit();
        let commit = bytes(&commit)?;
        tools.ledger.propose(self.id, Some(&commit)).map_err(ledger_failed)?;
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

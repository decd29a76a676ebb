//! The rules for commits, which depend on their author. Our own commits are checked as well.

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::PeerId;
use openmls::group::{Member, StagedCommit};
use openmls::messages::proposals::Proposal;
use openmls::prelude::{LeafNodeIndex, RemoveProposal};

use super::error::{CommitFault, GroupError, GroupFault};
use super::roster::Roster;
use super::state::Group;
use crate::certificate;
use crate::group_log::{LogEntry, Term};
use crate::limits::MAX_MEMBERS;

/// The authority that makes a commit valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    /// The steward logged the commit, its own or a member's.
    Steward,
    /// A deputy logged its own commit and becomes the steward.
    Deputy(PeerId, Term),
}

/// The effect of a commit on a group.
pub(super) struct Change {
    pub(super) roster: Roster,
    /// Members that were added, including those removed and added again.
    pub(super) joined: Vec<PeerId>,
    pub(super) left: Vec<PeerId>,
}

/// Accumulates the effect of a commit's proposals on the members.
struct Tally {
    members: BTreeMap<LeafNodeIndex, PeerId>,
    joined: Vec<PeerId>,
    removed: Vec<PeerId>,
}

impl Group {
    /// Checks that the steward, or a deputy with the term of its take-over, wrote an entry of the current epoch.
    pub(super) fn authority(&self, entry: &LogEntry) -> Result<Authority, GroupFault> {
        let (author, term) = (entry.author(), entry.term());
        if author == self.roster.steward && term == self.roster.term {
            return Ok(Authority::Steward);
        }
        match self.roster.succession(author) {
            Some(due) if due == term => Ok(Authority::Deputy(author, term)),
            _ => Err(GroupFault::Author),
        }
    }

    /// Checks that the member at `sender` may make this commit on that authority. Returns its effect.
    pub(super) fn check_commit(
        &self,
        authority: Authority,
        sender: LeafNodeIndex,
        staged: &StagedCommit,
    ) -> Result<Change, GroupError> {
        let member = self.mls.member_at(sender).ok_or(CommitFault::Sender)?;
        let author = certificate::claimed_peer(&member.credential)?;
        check_identity_kept(&member, staged)?;
        let roster = Roster::of(staged.group_context().extensions())?;
        let steward = match authority {
            Authority::Steward => author == self.roster.steward,
            Authority::Deputy(deputy, _) if deputy == author => true,
            Authority::Deputy(..) => return Err(CommitFault::Sender.into()),
        };
        // A commit without a path would not rotate its author's keys.
        let empty = staged.queued_proposals().next().is_none();
        if !steward && (!empty || staged.update_path_leaf_node().is_none()) {
            return Err(CommitFault::NotSteward.into());
        }
        let tally = self.tally(staged)?;
        self.check_roster(authority, &tally, &roster)?;
        let staying: BTreeSet<_> = tally.members.values().chain(&tally.joined).copied().collect();
        let left = tally.removed.into_iter().filter(|peer| !staying.contains(peer)).collect();
        Ok(Change { roster, joined: tally.joined, left })
    }

    fn tally(&self, staged: &StagedCommit) -> Result<Tally, GroupError> {
        let named = |member: Member| Ok((member.index, certificate::claimed_peer(&member.credential)?));
        let members = self.mls.members().map(named).collect::<Result<_, GroupError>>()?;
        let mut tally = Tally { members, joined: Vec::new(), removed: Vec::new() };
        for queued in staged.queued_proposals() {
            tally.count(queued.proposal())?;
        }
        Ok(tally)
    }

    fn check_roster(&self, authority: Authority, tally: &Tally, new: &Roster) -> Result<(), CommitFault> {
        let old = &self.roster;
        match authority {
            Authority::Deputy(deputy, term) => {
                if *new != old.succeeded_by(deputy, term) || !tally.is_unchanged() {
                    return Err(CommitFault::Takeover);
                }
            }
            Authority::Steward if new.steward == old.steward => {
                if new.term != old.term {
                    return Err(CommitFault::Term);
                }
            }
            Authority::Steward => {
                if new.term != old.term.transferred() {
                    return Err(CommitFault::Term);
                }
            }
        }
        tally.check(new)
    }
}

impl Tally {
    fn count(&mut self, proposal: &Proposal) -> Result<(), GroupError> {
        match proposal {
            Proposal::Add(add) => {
                let leaf = add.key_package().leaf_node();
                let peer = certificate::verified_peer(leaf.credential(), leaf.signature_key().as_slice())?;
                self.joined.push(peer);
            }
            Proposal::Remove(remove) => self.remove(remove)?,
            // The new roster is read from the group context that results from the commit.
            Proposal::GroupContextExtensions(_) => {}
            _ => return Err(CommitFault::Proposal.into()),
        }
        Ok(())
    }

    fn remove(&mut self, remove: &RemoveProposal) -> Result<(), CommitFault> {
        let peer = self.members.remove(&remove.removed()).ok_or(CommitFault::Members)?;
        self.removed.push(peer);
        Ok(())
    }

    fn is_unchanged(&self) -> bool {
        self.joined.is_empty() && self.removed.is_empty()
    }

    /// If a peer were a member twice, its messages would be ambiguous. A steward that is not a member could not
    /// commit.
    fn check(&self, roster: &Roster) -> Result<(), CommitFault> {
        let mut all = BTreeSet::new();
        let distinct = self.members.values().chain(&self.joined).all(|peer| all.insert(*peer));
        let leading = roster.deputies.iter().chain([&roster.steward]).all(|peer| all.contains(peer));
        if all.len() > MAX_MEMBERS {
            return Err(CommitFault::TooMany);
        }
        if distinct && leading { Ok(()) } else { Err(CommitFault::Members) }
    }
}

/// Members may rotate their keys but must not change their identity.
fn check_identity_kept(member: &Member, staged: &StagedCommit) -> Result<(), CommitFault> {
    let Some(leaf) = staged.update_path_leaf_node() else {
        return Ok(());
    };
    let same = *leaf.credential() == member.credential
        && leaf.signature_key().as_slice() == member.signature_key.as_slice();
    if same { Ok(()) } else { Err(CommitFault::Credential) }
}

//! What a commit may do, depending on who made it. Our own pass here too.

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::PeerId;
use openmls::group::{Member, StagedCommit};
use openmls::messages::proposals::Proposal;
use openmls::prelude::{LeafNodeIndex, RemoveProposal};

use super::error::{CommitFault, GroupError};
use super::log::LogEntry;
use super::roster::{Roster, Term};
use super::{Group, GroupFault, MAX_MEMBERS};
use crate::certificate;

/// On whose word a commit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    /// The steward logged a commit: its own, or a member's.
    Steward,
    /// A deputy logged its own and is the steward from now on.
    Deputy(PeerId, Term),
}

/// What a commit makes of a group.
pub(super) struct Change {
    pub(super) roster: Roster,
    /// Who is in it that was not, or is in it anew.
    pub(super) joined: Vec<PeerId>,
    /// Who is no longer in it.
    pub(super) left: Vec<PeerId>,
}

/// The members that a commit leaves, while it is read.
struct Tally {
    members: BTreeMap<LeafNodeIndex, PeerId>,
    joined: Vec<PeerId>,
    removed: Vec<PeerId>,
}

impl Group {
    /// Whose entry counts for the epoch that we are in: the steward's, or a deputy's with its term.
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

    /// Whether the member at `sender` may make this commit on that authority, and what becomes of the group.
    pub(super) fn judge(
        &self,
        authority: Authority,
        sender: LeafNodeIndex,
        staged: &StagedCommit,
    ) -> Result<Change, GroupError> {
        let member = self.group.member_at(sender).ok_or(CommitFault::Sender)?;
        let author = certificate::claimed(&member.credential)?;
        keeps_key(&member, staged)?;
        let roster = Roster::of(staged.group_context().extensions())?;
        let steward = match authority {
            Authority::Steward => author == self.roster.steward,
            Authority::Deputy(deputy, _) if deputy == author => true,
            Authority::Deputy(..) => return Err(CommitFault::Sender.into()),
        };
        // A commit without a path would leave its author's keys as they are.
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
        let named = |member: Member| Ok((member.index, certificate::claimed(&member.credential)?));
        let members = self.group.members().map(named).collect::<Result<_, GroupError>>()?;
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
                let peer = certificate::named(leaf.credential(), leaf.signature_key().as_slice())?;
                self.joined.push(peer);
            }
            Proposal::Remove(remove) => self.remove(remove)?,
            // What it sets is read from the group context that the commit leads to.
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

    /// A peer twice in a group would make its messages ambiguous; a steward outside could not commit.
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

/// Keys are rotated, identities never.
fn keeps_key(member: &Member, staged: &StagedCommit) -> Result<(), CommitFault> {
    let Some(leaf) = staged.update_path_leaf_node() else {
        return Ok(());
    };
    let same = *leaf.credential() == member.credential
        && leaf.signature_key().as_slice() == member.signature_key.as_slice();
    if same { Ok(()) } else { Err(CommitFault::Credential) }
}

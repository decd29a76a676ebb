//! Where members stand to each other, and how one that fell behind catches up.

use coworker_policy::{GroupId, PeerId};

use super::error::GroupError;
use super::ledger::Ledger;
use super::log::{LogHead, Logged};
use super::roster::Term;
use super::{Group, Tools, ledger_failed};

/// Most log entries in one answer: who is further behind asks again.
pub const MAX_HISTORY: usize = 64;

/// Where a member stands in a group. Both sides of a connection tell each other when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPosition {
    pub group: GroupId,
    pub epoch: u64,
    pub term: Term,
    /// Whom to ask to be let in again, where we have to.
    pub steward: PeerId,
    pub head: LogHead,
    /// MLS's epoch authenticator: only members of the very same epoch have it.
    pub authenticator: [u8; 32],
}

/// How another member's position compares with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    InStep,
    /// They have commits that we lack: ask for the log from epoch `from` on.
    Behind {
        from: u64,
    },
    /// We have what they lack, from epoch `from` on.
    Ahead {
        from: u64,
    },
    /// The group took another way than we did, or all trace of ours is gone: we ask its steward to let us in
    /// again.
    WeRejoin,
    /// The same for them.
    TheyRejoin,
    /// Both ways have the same term, and neither of us is the steward: one steward signed both, or one of us
    /// was set back. Send each other the log from epoch `from` on: applying it proves which.
    Contradiction {
        from: u64,
    },
}

impl Group {
    pub fn position(&self) -> GroupPosition {
        let mut authenticator = [0; 32];
        // The suite's hash has 32 bytes, so nothing is cut or left over.
        for (to, from) in authenticator.iter_mut().zip(self.mls.epoch_authenticator().as_slice()) {
            *to = *from;
        }
        GroupPosition {
            group: self.id,
            epoch: self.epoch(),
            term: self.roster.term,
            steward: self.roster.steward,
            head: self.head,
            authenticator,
        }
    }

    /// Compares our position with that of `peer`, a member.
    pub fn standing<S, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        peer: PeerId,
        theirs: &GroupPosition,
    ) -> Result<Standing, GroupError> {
        let ours = self.position();
        if ours == *theirs {
            return Ok(Standing::InStep);
        }
        if theirs.epoch > ours.epoch {
            return Ok(Standing::Behind { from: ours.epoch });
        }
        if theirs.epoch < ours.epoch {
            return match self.head_at(tools, theirs.epoch)? {
                Some(head) if head == theirs.head => Ok(Standing::Ahead { from: theirs.epoch }),
                Some(_) => Ok(self.conflict(peer, theirs)),
                // Pruned, or from before we joined: somebody else may have it. The steward is the last.
                None if self.is_steward() => Ok(Standing::TheyRejoin),
                None => Ok(Standing::Ahead { from: theirs.epoch }),
            };
        }
        Ok(self.conflict(peer, theirs))
    }

    fn conflict(&self, peer: PeerId, theirs: &GroupPosition) -> Standing {
        let term = self.roster.term;
        if theirs.term > term || (theirs.term == term && peer == self.roster.steward) {
            Standing::WeRejoin
        } else if theirs.term < term || self.is_steward() {
            Standing::TheyRejoin
        } else {
            Standing::Contradiction { from: theirs.epoch.saturating_sub(1) }
        }
    }

    /// The log's head when the group came into `epoch`; `None` if that is no longer known.
    fn head_at<S, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        epoch: u64,
    ) -> Result<Option<LogHead>, GroupError> {
        let Some(before) = epoch.checked_sub(1) else {
            return Ok(Some(LogHead::default()));
        };
        let entry = tools.ledger.entry(self.id, before).map_err(ledger_failed)?;
        Ok(entry.map(|entry| entry.head()))
    }

    /// The log from epoch `from` on, as far as one answer goes; empty if that is no longer known. For members
    /// only: the commits say who is in the group.
    pub fn history<S, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        from: u64,
    ) -> Result<Vec<Logged>, GroupError> {
        tools.ledger.since(self.id, from, MAX_HISTORY).map_err(ledger_failed)
    }
}

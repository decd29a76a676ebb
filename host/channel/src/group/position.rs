//! Comparing the positions of two members, and catching up.

use coworker_policy::PeerId;

use super::error::GroupError;
use super::ledger::Ledger;
use super::state::{Backend, Group};
use crate::group_log::{GroupPosition, LogHead, Logged};

/// Most log entries in one answer. A member that is further behind asks again.
pub const MAX_HISTORY: usize = 64;

/// The result of comparing another member's position with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncState {
    InSync,
    /// They have commits that we lack. Request the log starting at epoch `from`.
    Behind {
        from: u64,
    },
    /// We have commits that they lack, starting at epoch `from`.
    Ahead {
        from: u64,
    },
    /// Our history diverged from the group's, or its common part is no longer known. We ask the steward to
    /// readmit us.
    WeRejoin,
    /// Their history diverged, or its common part is no longer known. They have to rejoin.
    TheyRejoin,
    /// The histories differ within one term, and neither of us is the steward. One steward signed both, or one
    /// of us was restored from a backup. Send each other the log starting at epoch `from`; applying it shows the
    /// cause.
    Contradiction {
        from: u64,
    },
}

impl Group {
    pub fn position(&self) -> GroupPosition {
        let mut authenticator = [0; 32];
        // The suite's hash has 32 bytes, as many as the array.
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
    pub fn compare_position<S, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        peer: PeerId,
        theirs: &GroupPosition,
    ) -> Result<SyncState, GroupError> {
        let ours = self.position();
        if ours == *theirs {
            return Ok(SyncState::InSync);
        }
        if theirs.epoch > ours.epoch {
            return Ok(SyncState::Behind { from: ours.epoch });
        }
        if theirs.epoch < ours.epoch {
            return match self.head_at(backend, theirs.epoch)? {
                Some(head) if head == theirs.head => Ok(SyncState::Ahead { from: theirs.epoch }),
                Some(_) => Ok(self.conflict(peer, theirs)),
                // Pruned, or older than our membership. Another member may still have it, and the steward decides.
                None if self.is_steward() => Ok(SyncState::TheyRejoin),
                None => Ok(SyncState::Ahead { from: theirs.epoch }),
            };
        }
        Ok(self.conflict(peer, theirs))
    }

    fn conflict(&self, peer: PeerId, theirs: &GroupPosition) -> SyncState {
        let term = self.roster.term;
        if theirs.term > term || (theirs.term == term && peer == self.roster.steward) {
            SyncState::WeRejoin
        } else if theirs.term < term || self.is_steward() {
            SyncState::TheyRejoin
        } else {
            SyncState::Contradiction { from: theirs.epoch.saturating_sub(1) }
        }
    }

    /// The log's head at the start of `epoch`. Returns `None` if it is no longer known.
    fn head_at<S, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        epoch: u64,
    ) -> Result<Option<LogHead>, GroupError> {
        let Some(before) = epoch.checked_sub(1) else {
            return Ok(Some(LogHead::default()));
        };
        let entry = backend.ledger.entry(self.id, before).map_err(GroupError::ledger)?;
        Ok(entry.map(|entry| entry.head()))
    }

    /// Returns the log starting at epoch `from`, as much as one answer holds, or nothing if it is no longer known.
    /// Send it to members only, because the commits reveal the members.
    pub fn history<S, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        from: u64,
    ) -> Result<Vec<Logged>, GroupError> {
        backend.ledger.since(self.id, from, MAX_HISTORY).map_err(GroupError::ledger)
    }
}

use coworker_policy::{GroupId, PeerId};

use super::entry::LogHead;
use super::term::Term;

/// A member's position in a group's log. Both sides of a connection send theirs when it is established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPosition {
    pub group: GroupId,
    pub epoch: u64,
    pub term: Term,
    /// The member to ask for readmission, if that is necessary.
    pub steward: PeerId,
    pub head: LogHead,
    /// MLS's epoch authenticator. Only members of the same epoch of the same history have it.
    pub authenticator: [u8; 32],
}

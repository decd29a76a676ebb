//! The installed skills: a snapshot in memory, the owner's policy files, and changes of both.

pub(crate) mod installed;
pub(crate) mod policies;
pub(crate) mod policy_edits;
pub(crate) mod snapshot;

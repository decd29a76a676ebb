//! The installed skills: a snapshot in memory, the owner's policy files, and changes of both.

pub(crate) mod change;
pub(crate) mod policies;
pub(crate) mod snapshot;

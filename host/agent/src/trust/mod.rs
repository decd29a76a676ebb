//! Trust: the tiers in memory, how they change by time, use and conduct, and the names of peers.

pub(crate) mod book;
pub(crate) mod peer_names;
pub(crate) mod standing;

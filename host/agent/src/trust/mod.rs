//! Trust: the tiers in memory, their changes by time, use and conduct, the calls that run under them, and the
//! names of peers.

pub(crate) mod book;
mod leases;
pub(crate) mod peer_names;
pub(crate) mod running;
pub(crate) mod standing;
mod tiers;

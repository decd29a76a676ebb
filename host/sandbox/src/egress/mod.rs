//! A guest's only way to the network.
//!
//! A request is checked in this order: its method and URL against the rules (`destination`, `guard`), its
//! headers and the secrets in them (`headers`), every address of its host's name (`network`). Only then is a
//! connection opened, to a checked address and without a second look-up (`connection`). Every byte in both
//! directions counts (`tally`). The host follows no redirect; a guest that does sends a new request, which is
//! checked anew.

mod connection;
mod destination;
mod guard;
mod guest_error;
mod headers;
mod network;
mod response_body;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use destination::Destination;
pub(crate) use guard::{EgressPolicy, Guard};
pub(crate) use headers::is_ours;
pub use network::{BadAuthority, Network, Resolve, ResolveFuture};

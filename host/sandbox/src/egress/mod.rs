//! The only way out of a guest to the network.
//!
//! A request passes in this order: its words against the rules (`destination`, `guard`), its headers and
//! the secrets in them (`headers`), every address that its host's name leads to (`network`), and only then
//! a connection, to an address that was checked and without a second look-up (`connection`). Every byte in
//! both directions counts (`tally`). Redirects are the guest's to follow: the next request is checked anew.

mod answer;
mod connection;
mod destination;
mod guard;
mod headers;
mod network;
mod refused;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use destination::Destination;
pub(crate) use guard::{Guard, Terms};
pub(crate) use headers::is_ours;
pub use network::{BadAuthority, Network, Resolve, Resolving};

//! Whole agents over the in-memory network: the pipeline of a call from the frame to the audit log.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking"
)]

mod audit;
mod bound;
mod cancel;
mod consent;
mod contracts;
mod cut_off;
mod durability;
mod groups;
mod guest;
mod handshake;
mod harness;
mod home;
mod invite;
mod networks;
mod policy;
mod refusals;
mod revocation;
mod stranger;
mod stream;
mod tiers;
mod trust;
mod wire;

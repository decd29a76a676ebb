//! Whole agents over the in-memory network: the pipeline of a call from the frame to the audit log.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking"
)]

mod audit;
mod audit_seal;
mod bound;
mod cancel;
mod consent;
mod contracts;
mod crew;
mod cut_off;
mod defaults;
mod delegated_calls;
mod discovery;
mod durability;
mod goals;
mod grants;
mod group_lead;
mod groups;
mod guest;
mod handshake;
mod harness;
mod home;
mod hostile;
mod invite;
mod kept;
mod leaks;
mod leases;
mod model;
mod networks;
mod planning;
mod policy;
mod pressure;
mod proposals;
mod receipts;
mod refusals;
mod requests;
mod revocation;
mod stranger;
mod stream;
mod tiers;
mod trio;
mod trust;
mod uniform;
mod wire;

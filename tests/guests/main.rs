//! Hostile guests, one per limit. Each is stopped with a typed outcome while the host goes on serving.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

mod cache;
mod capability;
mod files;
mod harness;
mod limits;
mod results;
mod stop;

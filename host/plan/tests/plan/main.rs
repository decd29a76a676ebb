//! Tests of the plan crate, as tables and properties.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod carried_out;
mod check;
mod crowd;
mod documented;
mod fit;
mod fixture;
mod goals;
mod lines;
mod model;
mod properties;
mod templates;

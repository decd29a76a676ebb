//! What the plan crate promises, as tables and properties.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

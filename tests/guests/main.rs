//! Hostile guests, one per limit. Each is stopped with a typed outcome while the host goes on serving.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

mod asking;
mod assets;
mod cache;
mod capability;
mod compile;
mod core_fuzz;
mod core_modules;
mod delegation;
mod egress;
mod egress_limits;
mod files;
#[cfg(unix)]
mod folders;
mod harness;
mod hostile;
mod http;
mod limits;
mod llm;
mod peers;
mod results;
mod script;
mod state;
mod stop;
mod stream;
mod typed;
mod typed_hostile;
mod web;
#[cfg(unix)]
mod writes;

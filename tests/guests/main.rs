//! Guests in the sandbox, most of them hostile. Each ends with a typed outcome while the host keeps serving.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

mod asking_call;
mod assets;
mod cache;
mod capability;
mod compile;
mod core_fuzz;
mod core_modules;
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
mod web_call;
#[cfg(unix)]
mod writes;

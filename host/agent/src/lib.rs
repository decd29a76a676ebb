//! Puts the parts together: one agent with its identity, skills, peers and trust.
//!
//! Each room is a module: `serve` is the path of a call, `state` the thread that owns the database and the MLS sessions,
//! `ops` the operations of the owner. Rooms import from lower rooms only; ARCHITECTURE.md lists them in order. Everything
//! that a peer or a guest sends passes `intake` and the gates of `coworker-policy`; nothing of it changes policy, trust
//! or configuration.

mod agent;
mod base;
mod catalog;
mod goals;
mod groups;
mod intake;
mod link;
mod model;
pub mod ops;
mod serve;
mod starting;
mod state;
mod trust;

pub use agent::Agent;
pub use base::clock::{Clock, ManualClock};
pub use base::config::{Accept, Config, GoalsConfig, LlmConfig, NetworkConfig};
pub use base::environment::Environment;
pub use base::home::{Home, HomeError};
pub use coworker_model::{BadKey, Key};
pub use coworker_net::relay;
pub use coworker_sandbox::{Compiler, Worker, compile_worker, componentize, pack};
pub use link::invite::{Invite, InviteError};
pub use model::Model;
pub use serve::receipt_reading::{MAX_RECEIPT, verify_receipt};
pub use starting::StartError;

//! Puts the parts together: one agent with its identity, skills, peers and trust.
//!
//! `serve` is the path of a call, `state` the thread that owns the database and the MLS sessions, `ops` the
//! operations of the owner. Everything a peer or a guest sends passes `intake` and the gates of
//! `coworker-policy`; nothing they send changes policy, trust or configuration.

mod agent;
mod base;
mod catalog;
mod control;
mod goals;
mod groups;
mod intake;
mod link;
mod model;
pub mod ops;
mod serve;
mod serving;
mod state;
mod trust;

pub use agent::{Agent, StartError};
pub use base::config::{Accept, Config, GoalsConfig, LlmConfig, NetworkConfig};
pub use base::environment::Environment;
pub use base::home::{Home, HomeError};
pub use coworker_model::{BadKey, Key};
pub use coworker_net::relay;
pub use coworker_sandbox::{Compiler, Worker, compile_worker, componentize, pack};
pub use link::invite::{Invite, InviteError};
pub use model::Model;
pub use serve::receipt_reading::{MAX_RECEIPT, verify_receipt};

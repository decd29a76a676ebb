//! Puts the parts together: one agent with its identity, skills, peers and trust.
//!
//! `inbound` is the path of a call, `desk` the thread that owns the database and the MLS sessions,
//! `ops` what an owner can ask. Everything a peer or a guest sends passes `intake` and the gates of
//! `coworker-policy`; nothing they send changes policy, trust or configuration.

mod agent;
mod asker;
mod audit;
mod catalog;
mod catalog_change;
mod clock;
mod config;
mod connection;
mod control;
mod courier;
mod denials;
mod desk;
mod direct;
mod environment;
mod errands;
mod error;
mod goals;
mod groups;
mod home;
mod inbound;
mod intake;
mod invite;
mod leaks;
mod model;
mod nearby;
pub mod ops;
mod outbound;
mod peer_names;
mod policies;
mod presence;
mod receipt_reading;
mod receipts;
mod record;
mod requests;
mod running;
mod serving;
mod signatures;
mod standing;
mod stream;
mod surroundings;
mod trust;
mod waiting;

pub use agent::{Agent, StartError};
pub use asker::{Asker, Update};
pub use config::{Accept, Config, GoalsConfig, LlmConfig, Mode, NetworkConfig};
pub use control::Session;
pub use coworker_model::{BadKey, Key};
pub use coworker_net::relay;
pub use coworker_plan as plan;
pub use coworker_sandbox::{Compiler, Worker, compile_worker, componentize, pack};
pub use environment::Environment;
pub use error::OpError;
pub use goals::Why;
pub use home::{Home, HomeError};
pub use invite::{Invite, InviteError};
pub use model::Model;
pub use receipt_reading::{ContentRead, MAX_RECEIPT, ReceiptRead};

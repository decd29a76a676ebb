//! Connections to peers: dialling, redialling, direct endpoints, and questions that wait for an answer.

mod backoff;
pub(crate) mod connection;
pub(crate) mod direct;
mod frame_handler;
pub(crate) mod invite;
mod keep_linked;
pub(crate) mod links;
mod nearby;
pub(crate) mod network;
pub(crate) mod outbound;
mod redial;
pub(crate) mod requests;
mod signatures;
mod strangers;
pub(crate) mod waiting;

pub(crate) use frame_handler::{FrameHandler, Taking};

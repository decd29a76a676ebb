//! The owner's contract: every operation that an owner can ask of an agent, its answer, updates, events and errors,
//! and the protocol of the local socket. `docs/api.md` describes it for clients in other languages.
//!
//! An interface holds an [`AgentHandle`] and nothing else: behind it is an agent in this process, or the [`Client`] of
//! a running `serve`, and the interface cannot tell which. This crate knows no engine, no network and no database.

mod client;
mod describe;
mod error;
mod event;
mod handle;
mod hint;
mod lines;
mod observer;
mod operation;
pub mod ops;
pub mod protocol;
mod request;
pub mod server;
mod socket;
mod update;

pub use client::{Client, ConnectError};
pub use coworker_plan as plan;
pub use describe::{OperationInfo, operations, schemas};
pub use error::ApiError;
pub use event::{Event, EventKind, Follow, Followed};
pub use handle::{AgentHandle, Backend, BoxFuture};
pub use hint::{Hint, command_line};
pub use observer::CallObserver;
pub use operation::Operation;
pub use request::Request;
pub use socket::socket_path;
pub use update::Update;

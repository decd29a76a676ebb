//! Frames between agents, over iroh and over an in-memory twin for tests.
//!
//! A [`Link`] carries length-prefixed frames, in order, between two authenticated keys. QUIC authenticates the
//! sender's key. This crate knows neither MLS nor trust, so it does not interpret frames or decide about rights.
//!
//! On the stream, the dialler writes one version byte, then both sides write frames: a big-endian `u32` length
//! and that many bytes. No other crate depends on iroh.
//!
//! An agent has up to two endpoints ([`Exposure`]): the identity endpoint, which can be without any address for
//! strangers to learn, and the direct endpoint, which answers admitted peers only.

mod admission;
mod endpoint;
mod error;
mod frame;
mod half_open;
mod link;
mod listener;
mod memory;
mod memory_wire;
mod network;
mod options;
mod path;
mod queue;
mod quic;
pub mod relay;
mod wire;

pub use admission::{ADMISSION_TOKEN_BYTES, DirectCard};
pub use error::{Closed, NetError};
pub use link::{EndpointKind, Link, LinkReceiver, LinkSender, QUEUE_LIMIT};
pub use memory::Hub;
pub use network::Network;
pub use options::{DialHints, Exposure, Options};
pub use path::{PathChanges, PathInfo, PathKind};

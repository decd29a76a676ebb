//! Frames between agents: over iroh, and over an in-memory twin for tests.
//!
//! A [`Link`] carries length-prefixed frames, in order, between two authenticated keys. Who a frame
//! comes from is settled here (QUIC authenticates the key); what it means, and whether it may do
//! anything, is not: this crate knows neither MLS nor trust.
//!
//! On the stream: the dialler writes one version byte, then both sides write frames, each a big-endian
//! `u32` length and that many bytes. Only this crate names iroh.
//!
//! An agent may have two doors ([`Doors`]): one without any address, for strangers, and one for admitted peers.

mod admitted;
mod door;
mod error;
mod frame;
mod halfopen;
mod link;
mod memory;
mod network;
mod path;
mod queue;
mod quic;
pub mod relay;
mod station;
mod wire;

pub use admitted::{DirectCard, KNOCK};
pub use door::Entrance;
pub use error::{Closed, NetError};
pub use link::{Link, LinkReceiver, LinkSender, QUEUE_LIMIT};
pub use memory::Hub;
pub use network::{Doors, Hints, Network, Options};
pub use path::{PathChanges, PathInfo, PathKind};

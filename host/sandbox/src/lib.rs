//! Runs skills: WebAssembly components, each call in a fresh store and instance, within limits.
//!
//! Nothing runs without a `Permit`, except `describe`, which gets the component's own assets and small limits.
//! A guest that loops, recurses, floods or breaks its contract ends with a typed `Stopped`; a failure of the
//! host is a `Fault`. Neither ends the host.

mod access;
mod bad_component;
mod bindings;
mod cache;
mod capability;
mod compile;
mod componentize;
mod egress;
mod engine;
mod fault;
mod guest;
mod host_context;
mod inspect;
mod meter;
mod model;
mod outcome;
mod peers;
mod prepared;
mod prescan;
mod run;
mod sandbox;
mod stopped;
mod stream;
mod typed;

pub use bad_component::{BadComponent, MAX_COMPONENT};
pub use cache::Cache;
pub use capability::assets::error::AssetsError;
pub use capability::assets::{Assets, PackError, assets, manifest, pack};
pub use compile::{Compiler, Worker, compile_worker};
pub use componentize::componentize;
pub use egress::{BadAuthority, Network, Resolve, ResolveFuture};
pub use fault::{Fault, SandboxError};
pub use host_context::{Bucket, HostContext, Secrets, StateRead, StateReadError, StateSize, StateStore};
pub use inspect::{Import, Inspection, World, inspect};
pub use model::{
    CompletionFuture, Model, ModelAnswer, ModelFailure, ModelFinish, ModelMessage, ModelRequest, ModelRole,
    ModelText,
};
pub use outcome::{Denied, DescribeError, Outcome, StateWrite, Usage};
pub use peers::{FindFuture, PeerCall, PeerCallFuture, PeerFailure, Peers};
pub use sandbox::Sandbox;
pub use stopped::{SkillError, Stopped};
pub use stream::{StreamBatch, StreamReceiver, StreamSender};
pub use typed::Function;

/// The source of an error, for the owner only.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

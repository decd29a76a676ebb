//! Runs skills: WebAssembly components, each call in a fresh store and instance, within limits.
//!
//! Nothing runs without a `Permit`, except `describe`, which has its own assets and small limits. A guest
//! that loops, recurses, floods or breaks its contract yields a typed `Stopped`; what breaks on our side
//! is a `Fault`. Neither ever takes the host down.

mod bindings;
mod cache;
mod capability;
mod compile;
mod componentize;
mod egress;
mod engine;
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

pub use cache::Cache;
pub use capability::assets::{Assets, AssetsError, PackError, assets, manifest, pack};
pub use compile::{Compiler, Worker, compile_worker};
pub use componentize::componentize;
pub use egress::{BadAuthority, Network, Resolve, Resolving};
pub use host_context::{Bucket, HostContext, Secrets, StateRead, StateReadError, StateSize, StateStore};
pub use inspect::{BadComponent, Import, Inspection, MAX_COMPONENT, World, inspect};
pub use model::{
    Completing, Model, ModelAnswer, ModelAsk, ModelFailure, ModelFinish, ModelMessage, ModelRole, ModelText,
};
pub use outcome::{Denied, DescribeError, Fault, Outcome, SandboxError, StateWrite, Usage};
pub use peers::{Calling, Finding, PeerCall, PeerFailure, Peers};
pub use sandbox::Sandbox;
pub use stopped::{SkillError, Stopped};
pub use stream::{Listener, Speaker, Told};
pub use typed::Function;

/// A cause from below, kept for the owner's eyes.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

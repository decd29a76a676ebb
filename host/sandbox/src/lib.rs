//! Runs skills: WebAssembly components, each call in a fresh store and instance, within limits.
//!
//! Nothing runs without a `Permit`, except `describe`, which has no capability and small limits. A guest
//! that loops, recurses, floods or breaks its contract yields a typed `Stopped`; what breaks on our side
//! is a `Fault`. Neither ever takes the host down.

mod bindings;
mod cache;
mod capability;
mod engine;
mod guest;
mod inspect;
mod meter;
mod outcome;
mod run;
mod sandbox;
mod stopped;
mod surroundings;

pub use cache::Cache;
pub use inspect::{BadComponent, Import, Inspection, MAX_COMPONENT, inspect};
pub use outcome::{Denied, DescribeError, Fault, Outcome, SandboxError, Usage};
pub use sandbox::Sandbox;
pub use stopped::{SkillError, Stopped};
pub use surroundings::{Secrets, Surroundings};

/// A cause from below, kept for the owner's eyes.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

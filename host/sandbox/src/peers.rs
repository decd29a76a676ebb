//! Other agents, as the sandbox sees them.

use std::pin::Pin;
use std::time::Duration;

use coworker_policy::{ErrorCode, PeerId, SkillName, Text};

/// Access to other agents for one call. An implementation is bound to that call, so that the guest's delegated
/// calls are made on behalf of the call's own caller.
pub trait Peers: Send + Sync {
    /// Finds the peer that the owner knows by `name`. If several have the name, returns the one in `granted`.
    fn find<'a>(&'a self, name: &'a str, granted: &'a [PeerId]) -> FindFuture<'a>;

    /// Calls a peer's skill and waits for its answer. Dropping the future cancels the call.
    fn call(&self, call: PeerCall) -> PeerCallFuture<'_>;
}

pub type FindFuture<'a> = Pin<Box<dyn Future<Output = Option<PeerId>> + Send + 'a>>;
pub type PeerCallFuture<'a> = Pin<Box<dyn Future<Output = Result<String, PeerFailure>> + Send + 'a>>;

/// One delegated call of a guest, which its grants allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCall {
    pub peer: PeerId,
    pub skill: SkillName,
    /// Written by the guest; at most 2 MiB.
    pub input: String,
    pub timeout: Duration,
}

/// Why there is no output. The guest gets these texts, and the peer's own message where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFailure {
    #[error("the peer cannot be reached now")]
    Unavailable,
    #[error("the call was passed on too often already")]
    TooDeep,
    /// The message is the peer's: data for the guest, not instructions.
    #[error("{code}: {message}")]
    Refused { code: ErrorCode, message: Text },
    #[error("the peer did not answer in time")]
    Deadline,
    #[error("the input is not JSON")]
    NotJson,
    #[error("the peer cannot be asked")]
    Broken,
}

pub(crate) struct NoPeers;

impl Peers for NoPeers {
    fn find<'a>(&'a self, _: &'a str, _: &'a [PeerId]) -> FindFuture<'a> {
        Box::pin(async { None })
    }

    fn call(&self, _: PeerCall) -> PeerCallFuture<'_> {
        Box::pin(async { Err(PeerFailure::Unavailable) })
    }
}

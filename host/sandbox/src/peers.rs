//! Other agents, as the sandbox asks them.

use std::pin::Pin;
use std::time::Duration;

use coworker_policy::{ErrorCode, PeerId, SkillName, Text};

/// The way to other agents for one call: whoever makes one binds it to that call, so that what a guest asks for
/// is asked on behalf of the call's own caller.
pub trait Peers: Send + Sync {
    /// The peer that the owner means by a name; of several, the one that is `granted`.
    fn find<'a>(&'a self, name: &'a str, granted: &'a [PeerId]) -> Finding<'a>;

    /// Calls a peer's skill and waits for its answer. Dropping what is returned calls it off.
    fn call(&self, delegation: PeerCall) -> Calling<'_>;
}

pub type Finding<'a> = Pin<Box<dyn Future<Output = Option<PeerId>> + Send + 'a>>;
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<String, PeerFailure>> + Send + 'a>>;

/// One call that a guest may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCall {
    pub peer: PeerId,
    pub skill: SkillName,
    /// The guest's words; at most 2 MiB.
    pub input: String,
    pub timeout: Duration,
}

/// Why there is no output. Beside the peer's own words, the texts are all that a guest learns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFailure {
    #[error("the peer cannot be reached now")]
    Unavailable,
    #[error("the call was passed on too often already")]
    TooDeep,
    /// The peer's words, for the guest to read as data.
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
    fn find<'a>(&'a self, _: &'a str, _: &'a [PeerId]) -> Finding<'a> {
        Box::pin(async { None })
    }

    fn call(&self, _: PeerCall) -> Calling<'_> {
        Box::pin(async { Err(PeerFailure::Unavailable) })
    }
}

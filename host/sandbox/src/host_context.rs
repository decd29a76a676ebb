use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use coworker_policy::gate::Pseudonym;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::Cause;
use crate::egress::Network;
use crate::model::{Model, NoModel};
use crate::peers::{NoPeers, Peers};
use crate::stream::StreamSender;

/// The host's side of one call: its cancellation, its channel to the caller, and the owner's resources for it.
/// The permit decides which of them the call may use.
#[derive(Clone)]
pub struct HostContext {
    /// Cancelled when the caller, the owner or a revocation ends the call.
    pub stop: CancellationToken,
    /// Carries progress notes and parts of the output to the caller.
    pub stream: StreamSender,
    pub secrets: Arc<dyn Secrets>,
    /// The state of this component, never of another one.
    pub state: Arc<dyn StateStore>,
    /// The owner's settings for this component.
    pub config: Arc<BTreeMap<String, String>>,
    pub network: Network,
    pub model: Arc<dyn Model>,
    pub peers: Arc<dyn Peers>,
}

impl HostContext {
    /// A context without any resources, which `stop` can cancel.
    pub fn bare(stop: CancellationToken) -> Self {
        Self {
            stop,
            stream: StreamSender::default(),
            secrets: Arc::new(NoSecrets),
            state: Arc::new(NoState),
            config: Arc::default(),
            network: Network::system(),
            model: Arc::new(NoModel),
            peers: Arc::new(NoPeers),
        }
    }
}

impl Default for HostContext {
    fn default() -> Self {
        Self::bare(CancellationToken::new())
    }
}

/// The owner's secrets for one component, by name. Only the egress guard reads them.
pub trait Secrets: Send + Sync {
    fn value(&self, name: &str) -> Option<Zeroizing<String>>;
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn value(&self, _: &str) -> Option<Zeroizing<String>> {
        None
    }
}

/// A part of a component's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Shared by all callers and all skills of the component.
    Skill,
    /// Private to one caller.
    Caller(Pseudonym),
}

/// The stored name: `skill`, or `caller:` and the pseudonym.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skill => f.write_str("skill"),
            Self::Caller(pseudonym) => write!(f, "caller:{pseudonym}"),
        }
    }
}

/// The size of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    pub keys: u64,
    /// Of keys and values together.
    pub bytes: u64,
}

/// The committed state of one component. A call only reads it; its writes are part of its
/// [`Outcome`](crate::Outcome).
///
/// An implementation is bound to one component; the guest can name a bucket but not a component.
pub trait StateStore: Send + Sync {
    fn value<'a>(&'a self, bucket: Bucket, key: &'a str) -> StateRead<'a, Option<Vec<u8>>>;

    /// Returns at most `limit` keys in the order of their bytes, starting behind `after`.
    fn keys<'a>(&'a self, bucket: Bucket, after: Option<&'a str>, limit: usize)
    -> StateRead<'a, Vec<String>>;

    fn size(&self, bucket: Bucket) -> StateRead<'_, StateSize>;
}

pub type StateRead<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateReadError>> + Send + 'a>>;

/// The state could not be read. The source is for the owner only; the guest gets a fixed sentence.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be read")]
pub struct StateReadError(#[source] pub Cause);

struct NoState;

impl StateStore for NoState {
    fn value<'a>(&'a self, _: Bucket, _: &'a str) -> StateRead<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    fn keys<'a>(&'a self, _: Bucket, _: Option<&'a str>, _: usize) -> StateRead<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn size(&self, _: Bucket) -> StateRead<'_, StateSize> {
        Box::pin(async { Ok(StateSize::default()) })
    }
}

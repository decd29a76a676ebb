use std::pin::Pin;

use coworker_channel::SessionId;
use coworker_policy::PeerId;

use crate::state::{StateError, Transaction};

pub(crate) type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), StateError>> + Send + 'a>>;

/// Takes the messages that connections bring. The intake above this room implements it; the starter hands it in.
pub(crate) trait FrameHandler: Send + Sync {
    /// Keeps the agent alive for as long as the result lives. An agent that answers peers goes on until its network
    /// closes, even if its last handle is dropped.
    fn keep_alive(&self) -> Option<Box<dyn Send>>;

    /// Runs in the transaction in which a connection with `peer` stands for the first time.
    fn linked(&self, tx: &mut Transaction<'_>, peer: PeerId) -> Result<(), StateError>;

    /// Takes one sealed batch of messages.
    fn batch(&self, peer: PeerId, session: SessionId, seq: u64, sealed: Vec<u8>) -> Taking<'_>;
}

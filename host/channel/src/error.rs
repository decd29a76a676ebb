use std::error::Error;

use crate::batch::BadBatch;
use crate::certificate::BadCertificate;

/// What openmls or the storage said.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a session could not be made, loaded or used. It says whose fault it was.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("could not {doing}")]
    State { doing: &'static str, source: Cause },
    #[error("a batch has 1 to {max} messages, not {count}")]
    BatchCount { count: usize, max: usize },
    #[error("a message has {size} bytes; at most {max} are allowed")]
    MessageSize { size: usize, max: usize },
    #[error("the batch has {size} bytes; at most {max} fit a frame")]
    BatchSize { size: usize, max: usize },
    #[error(transparent)]
    Peer(#[from] PeerFault),
}

impl ChannelError {
    /// True if the peer broke the protocol; false if our own storage or caller failed.
    pub fn is_peer_fault(&self) -> bool {
        matches!(self, Self::Peer(_))
    }
}

/// What a peer did that an honest one never does.
#[derive(Debug, thiserror::Error)]
pub enum PeerFault {
    #[error("the peer sent something else where {expected} was due")]
    Malformed { expected: &'static str },
    #[error("the peer uses another MLS suite than ours")]
    Suite,
    #[error("the peer's key package is not valid")]
    KeyPackage(#[source] Cause),
    #[error("the peer's welcome is not valid")]
    Welcome(#[source] Cause),
    #[error("the peer's MLS credential is not valid")]
    Certificate(#[from] BadCertificate),
    #[error("a session has exactly two members: us and the peer")]
    Members,
    #[error("the welcome was not written by the peer")]
    WelcomeSender,
    #[error("the group is not set up as a session")]
    GroupContext,
    #[error("the message belongs to another session")]
    OtherSession,
    #[error("the message is not an application message")]
    NotApplication,
    #[error("the message was sealed with another sequence number than {expected}")]
    Sequence { expected: u64 },
    #[error("the message was opened before, or is too old to tell")]
    Replayed,
    #[error("the message cannot be opened")]
    Message(#[source] Cause),
    #[error("the message was not written by the peer")]
    MessageSender,
    #[error("the message is not a batch")]
    Batch(#[from] BadBatch),
}

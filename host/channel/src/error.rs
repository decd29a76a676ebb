use std::error::Error;

use crate::batch::BadBatch;
use crate::certificate::BadCertificate;

/// An error of openmls or of the storage.
pub type Cause = Box<dyn Error + Send + Sync>;

/// An error of a session operation. Its kind says which side is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("could not {doing}")]
    State { doing: &'static str, source: Cause },
    #[error("a batch must have 1 to {max} messages, not {count}")]
    BatchCount { count: usize, max: usize },
    #[error("a message has {size} bytes; at most {max} are allowed")]
    MessageSize { size: usize, max: usize },
    #[error("the batch has {size} bytes; at most {max} are allowed")]
    BatchSize { size: usize, max: usize },
    #[error(transparent)]
    Peer(#[from] PeerFault),
}

impl ChannelError {
    /// Returns true if the peer broke the protocol, and false if our storage failed or our request was invalid.
    pub fn is_peer_fault(&self) -> bool {
        matches!(self, Self::Peer(_))
    }
}

/// A violation of the protocol by the peer.
#[derive(Debug, thiserror::Error)]
pub enum PeerFault {
    #[error("the peer did not send {expected} where one was expected")]
    Malformed { expected: &'static str },
    #[error("the peer uses an unsupported MLS cipher suite")]
    Suite,
    #[error("the peer's key package is not valid")]
    KeyPackage(#[source] Cause),
    #[error("the peer's welcome is not valid")]
    Welcome(#[source] Cause),
    #[error("the peer's MLS credential is not valid")]
    Certificate(#[from] BadCertificate),
    #[error("the members of the session are not exactly us and the peer")]
    Members,
    #[error("the welcome was not written by the peer")]
    WelcomeSender,
    #[error("the MLS group does not have the settings of a session")]
    GroupContext,
    #[error("the message belongs to another session")]
    OtherSession,
    #[error("the message is not an application message")]
    NotApplication,
    #[error("the message was not sealed with the sequence number {expected}")]
    Sequence { expected: u64 },
    #[error("the message was opened before or is too old")]
    Replayed,
    #[error("the message cannot be opened")]
    Message(#[source] Cause),
    #[error("the message was not written by the peer")]
    MessageSender,
    #[error("the message is not a batch")]
    Batch(#[from] BadBatch),
}

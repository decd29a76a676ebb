//! What becomes of a call that brought no output, and what its caller learns.

use coworker_channel::{MAX_MESSAGE, Message};
use coworker_policy::gate::{Caller, CheckedOutput};
use coworker_policy::{ErrorCode, Refusal, RequestId, Text};
use coworker_sandbox::{Fault, Stopped};
use tokio::task::JoinError;

use crate::base::error::OpError;
use crate::catalog::snapshot::CatalogError;
use crate::state::StateError;

/// Why there is no output. A refusal is policy's, a stop the guest's own doing; the rest is ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the sandbox failed")]
    Sandbox(#[from] Fault),
    #[error("the component is not ready")]
    Component(#[from] CatalogError),
    #[error(transparent)]
    StateActor(#[from] StateError),
    #[error("the result could not be checked")]
    Check(#[source] JoinError),
}

/// The reply as it is kept and sent. Numbers can grow when they are written out anew, so a result within
/// its cap may still be more than one message has room for.
pub(super) fn encoded(id: RequestId, ending: &Result<CheckedOutput, Failure>) -> (Message, Vec<u8>) {
    let reply = reply(id, ending);
    let bytes = reply.encode();
    if bytes.len() <= MAX_MESSAGE {
        return (reply, bytes);
    }
    let message = Text::sanitized("the result is larger than a message may be");
    let reply = Message::TaskError { id, code: ErrorCode::LimitExceeded, message };
    let bytes = reply.encode();
    (reply, bytes)
}

/// What the caller learns. Nothing of ours, and nothing of a trap, is in it.
fn reply(id: RequestId, ending: &Result<CheckedOutput, Failure>) -> Message {
    let failure = match ending {
        Ok(output) => return Message::TaskResponse { id, output: output.value().into() },
        Err(failure) => failure,
    };
    let (code, message) = failure.public();
    Message::TaskError { id, code, message }
}

impl Failure {
    /// The owner may know the whole reason; who asks as a peer of some tier learns what that peer would.
    pub(crate) fn for_owner(&self, caller: Caller) -> OpError {
        let (code, message) = self.public();
        match caller {
            Caller::Owner => OpError { code, ..OpError::fault(self) },
            Caller::Peer(_) | Caller::OwnerAs(_) => OpError::new(code, message.to_string()),
        }
    }

    pub(crate) fn public(&self) -> (ErrorCode, Text) {
        match self {
            Self::Refused(refusal) => {
                let public = refusal.public();
                (public.code(), Text::sanitized(public.message()))
            }
            Self::Stopped(stopped) => (stopped.code(), stopped.public()),
            Self::Sandbox(_) | Self::Component(_) | Self::StateActor(_) | Self::Check(_) => {
                (ErrorCode::Internal, Text::sanitized("the call could not be served"))
            }
        }
    }
}

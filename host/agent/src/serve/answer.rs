//! The answer to a peer's call.

use coworker_channel::{MAX_MESSAGE, Message};
use coworker_policy::gate::CheckedOutput;
use coworker_policy::{ErrorCode, RequestId, Text};

use crate::serve::failure::Failure;

/// The reply as it is kept and sent. Numbers can grow when they are written again, so a result within its limit may
/// still be too large for one message.
pub(super) fn encoded(id: RequestId, ending: Result<&CheckedOutput, &Failure>) -> (Message, Vec<u8>) {
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

/// The caller's answer. It has nothing of ours in it, and nothing of a trap.
fn reply(id: RequestId, ending: Result<&CheckedOutput, &Failure>) -> Message {
    let failure = match ending {
        Ok(output) => return Message::TaskResponse { id, output: output.value().into() },
        Err(failure) => failure,
    };
    let (code, message) = failure.public();
    Message::TaskError { id, code, message }
}

use coworker_policy::{ErrorCode, PublicRefusal};
use serde::{Deserialize, Serialize};

/// What an operation answers when it did not do its work: for people and for programs.
///
/// This is the edge: the crates below have their own typed errors, and here each becomes a code, a
/// sentence and, where there is one, the command that mends it.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct OpError {
    pub code: ErrorCode,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The peer answered this; it is not a fault of this host.
    #[serde(default, skip_serializing_if = "is_false")]
    pub from_peer: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl OpError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, from_peer: false }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Something of ours broke. The chain of causes is the owner's to read, on their own machine.
    pub fn fault(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self::new(ErrorCode::Internal, message)
    }

    pub(crate) fn from_peer(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { from_peer: true, ..Self::new(code, message) }
    }
}

impl From<PublicRefusal> for OpError {
    fn from(refusal: PublicRefusal) -> Self {
        Self::new(refusal.code(), refusal.message())
    }
}

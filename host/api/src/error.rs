use coworker_policy::{ErrorCode, PublicRefusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hint::Hint;

/// The error of an operation, for people and for programs.
///
/// The crates below have typed errors of their own. Each becomes a code, a sentence and, where there is a fix, a hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable, so that programs can match on it.
    pub code: ErrorCode,
    /// One sentence for people. Its wording may change.
    pub message: String,
    /// Ways to fix the problem, the best one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// True if a peer answered with this error; otherwise it was made on this host.
    #[serde(default, skip_serializing_if = "is_false")]
    pub from_peer: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hints: Vec::new(), from_peer: false }
    }

    /// A fault of this host. The message holds the whole chain of causes: its reader is the owner.
    pub fn fault(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self::new(ErrorCode::Internal, message)
    }

    /// An error that a peer answered with.
    pub fn from_peer(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { from_peer: true, ..Self::new(code, message) }
    }

    /// Adds a hint in words.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(Hint::Text(hint.into()));
        self
    }

    /// Adds a command to type next; `words` come after `coworker`. See [`Hint::Command`].
    #[must_use]
    pub fn suggest<W: Into<String>>(
        mut self,
        why: impl Into<String>,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        self.hints.push(Hint::command(why, words));
        self
    }
}

impl From<PublicRefusal> for ApiError {
    fn from(refusal: PublicRefusal) -> Self {
        Self::new(refusal.code(), refusal.message())
    }
}

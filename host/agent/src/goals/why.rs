use coworker_policy::{ErrorCode, Text};
use serde::{Deserialize, Serialize};

/// The reason for a failure, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    pub code: ErrorCode,
    /// May quote a peer or a skill.
    pub message: Text,
}

impl Why {
    pub(crate) fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: Text::sanitized(message) }
    }

    pub(crate) fn to_text(&self) -> String {
        // Plain data: it always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::new(ErrorCode::Internal, "unknown"))
    }
}

use coworker_policy::{ErrorCode, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reason why a goal or a step did not end well. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    pub code: ErrorCode,
    /// May quote a peer or a skill.
    pub message: Text,
}

impl Why {
    pub fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: Text::sanitized(message) }
    }

    pub fn to_text(&self) -> String {
        // Plain data: it always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the stored form. Text that is not one becomes an unknown reason.
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::new(ErrorCode::Internal, "unknown"))
    }
}

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Length of a hyphenated UUID.
const LENGTH: usize = 36;

/// Names a request and its answers, as its idempotency key.
///
/// Written as a hyphenated lower-case UUID, so that all ids have the same length: answers that must look alike can
/// differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(Uuid);

#[derive(Debug, thiserror::Error)]
#[error("not a request id: expected a UUID with hyphens")]
pub struct RequestIdError;

impl RequestId {
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// A new random id (UUID version 4).
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.hyphenated().encode_lower(&mut [0; LENGTH]))
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;

    fn from_str(text: &str) -> Result<Self, RequestIdError> {
        // The parser accepts other forms, too; the length admits only the hyphenated one.
        if text.len() != LENGTH {
            return Err(RequestIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| RequestIdError)
    }
}

impl TryFrom<String> for RequestId {
    type Error = RequestIdError;

    fn try_from(text: String) -> Result<Self, RequestIdError> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

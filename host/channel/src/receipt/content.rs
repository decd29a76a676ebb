use std::borrow::Cow;
use std::fmt;

use coworker_policy::Digest;
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON as it was written: what is hashed is the text, and text that is parsed and written anew may differ in
/// its spaces, its numbers and the order of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(Box<str>);

#[derive(Debug, thiserror::Error)]
#[error("not JSON")]
pub struct NotJson(#[from] serde_json::Error);

impl JsonText {
    /// Text that is no JSON becomes a JSON string. Space around it goes.
    pub fn from_typed(text: &str) -> Self {
        let raw: Cow<'_, RawValue> = match serde_json::from_str(text) {
            Ok(raw) => Cow::Borrowed(raw),
            // Every string serialises, so the inner fallback is never taken.
            Err(_) => serde_json::value::to_raw_value(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned),
        };
        Self(raw.get().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn content(&self) -> Content {
        Content::of(&self.0)
    }
}

impl From<&Value> for JsonText {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an input or output was, without itself: its SHA-256 and its length in bytes, of the JSON text as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    digest: Digest,
    bytes: u64,
}

impl Content {
    pub fn of(text: &str) -> Self {
        Self { digest: Digest::of(text.as_bytes()), bytes: text.len() as u64 }
    }

    pub(super) fn new(digest: Digest, bytes: u64) -> Self {
        Self { digest, bytes }
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

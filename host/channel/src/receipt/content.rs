use std::borrow::Cow;
use std::fmt;

use coworker_policy::Digest;
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON text exactly as it was written. Its hash is over the text. Parsing and writing it again could change
/// spaces, numbers and the order of keys.
#[derive(Clone, Debug)]
pub struct JsonText(Box<RawValue>);

/// Turns text that is not JSON into a JSON string. Inserted unchecked, it could add fields to a message.
pub(crate) fn raw(text: &str) -> Cow<'_, RawValue> {
    match serde_json::from_str(text) {
        Ok(raw) => Cow::Borrowed(raw),
        // All strings can be serialised, so the inner fallback is never used.
        Err(_) => serde_json::value::to_raw_value(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned),
    }
}

impl JsonText {
    /// Turns text that is not JSON into a JSON string, and trims space around JSON.
    pub fn from_typed(text: &str) -> Self {
        Self(raw(text).into_owned())
    }

    pub(crate) fn from_raw(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    pub(crate) fn raw(&self) -> &RawValue {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Parses the text. Returns null if it is nested deeper than 128.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.as_str()).unwrap_or_default()
    }

    pub fn content(&self) -> Content {
        Content::of(self.as_str())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl From<&Value> for JsonText {
    fn from(value: &Value) -> Self {
        Self::from_typed(&value.to_string())
    }
}

impl From<Value> for JsonText {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The SHA-256 and the length in bytes of an input or output, over the JSON text as sent.
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

use std::borrow::Cow;
use std::fmt;

use coworker_policy::Digest;
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON as it was written: what is hashed is the text, and text that is parsed and written anew may differ in
/// its spaces, its numbers and the order of its keys.
#[derive(Clone, Debug)]
pub struct JsonText(Box<RawValue>);

/// Pasting unchecked text into a message would let it write other fields: what is no JSON becomes a JSON string.
pub(crate) fn raw(text: &str) -> Cow<'_, RawValue> {
    match serde_json::from_str(text) {
        Ok(raw) => Cow::Borrowed(raw),
        // Every string serialises, so the inner fallback is never taken.
        Err(_) => serde_json::value::to_raw_value(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned),
    }
}

impl JsonText {
    /// Text that is no JSON becomes a JSON string. Space around it goes.
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

    /// The value that the text is; null if it is nested deeper than 128.
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

//! The JSON that all messages have in common.

use coworker_policy::{ErrorCode, RequestId, Text};
use serde::{Deserialize, Serialize};

use super::error::MessageFault;

/// Longest `type`, in bytes.
pub(super) const MAX_KIND: usize = 64;
/// How much of a parser's error is kept. It can quote a whole message.
const MAX_PARSE_ERROR: usize = 200;

#[derive(Serialize)]
struct MessageWire<'a, B> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<RequestId>,
    #[serde(flatten)]
    body: B,
}

/// A body without fields.
#[derive(Serialize)]
pub(super) struct Empty {}

pub(super) fn encode(kind: &str, id: Option<RequestId>, body: impl Serialize) -> Vec<u8> {
    // All bodies can be serialised, so the fallback is never used.
    serde_json::to_vec(&MessageWire { kind, id, body }).unwrap_or_default()
}

pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, MessageFault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let error: String = error.to_string().chars().take(MAX_PARSE_ERROR).collect();
        MessageFault::Json(Text::sanitized(&error))
    })
}

/// Reads an error code. An unknown code of a newer peer counts as `Internal`, so that the answer is not lost.
pub(super) fn error_code(name: &str) -> ErrorCode {
    let value = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
    ErrorCode::deserialize(value).unwrap_or(ErrorCode::Internal)
}

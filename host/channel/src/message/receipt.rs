//! Messages that carry a call's receipt: the provider's draft, sent after the answer, and the caller's signature.

use coworker_policy::trust::InviteToken;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::MessageFault;
use super::json::parse;
use crate::receipt::{MAX_RECEIPT, Signature};

#[derive(Serialize, Deserialize)]
pub(super) struct ReceiptWire<'a> {
    #[serde(borrow)]
    envelope: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CountersignedWire {
    signature: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RedeemWire {
    token: String,
}

impl<'a> ReceiptWire<'a> {
    /// Replaces bytes that are not JSON with null, which the other side refuses.
    pub(super) fn new(envelope: &'a [u8]) -> Self {
        Self { envelope: serde_json::from_slice(envelope).unwrap_or(RawValue::NULL) }
    }
}

impl CountersignedWire {
    pub(super) fn new(signature: &Signature) -> Self {
        Self { signature: BASE64.encode(signature.as_bytes()) }
    }
}

impl RedeemWire {
    pub(super) fn new(token: &InviteToken) -> Self {
        Self { token: token.to_string() }
    }
}

/// Returns the envelope as it was sent. It is verified later.
pub(super) fn envelope(bytes: &[u8]) -> Result<Vec<u8>, MessageFault> {
    let ReceiptWire { envelope } = parse(bytes)?;
    let envelope = envelope.get().as_bytes();
    // A peer chooses this length, so it is checked before we copy.
    if envelope.len() > MAX_RECEIPT { Err(MessageFault::Receipt) } else { Ok(envelope.to_vec()) }
}

pub(super) fn signature(bytes: &[u8]) -> Result<Signature, MessageFault> {
    let CountersignedWire { signature } = parse(bytes)?;
    let bytes = BASE64.decode(signature.as_bytes()).map_err(|_| MessageFault::Receipt)?;
    bytes.try_into().map(Signature::from_bytes).map_err(|_| MessageFault::Receipt)
}

pub(super) fn token(bytes: &[u8]) -> Result<InviteToken, MessageFault> {
    let RedeemWire { token } = parse(bytes)?;
    token.parse().map_err(|_| MessageFault::Token)
}

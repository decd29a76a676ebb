//! DSSE envelopes: a payload, its type, and signatures over both.

use coworker_policy::PeerId;
use data_encoding::BASE64;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::{BadReceipt, Side, Signature};
use crate::identity::Identity;

/// Largest envelope, in bytes.
pub const MAX_RECEIPT: usize = 8 * 1024;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeWire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureWire {
    keyid: String,
    sig: String,
}

/// A parsed envelope whose signatures are not yet verified.
pub(super) struct Opened {
    pub(super) payload: Vec<u8>,
    signatures: Vec<SignatureWire>,
}

pub(super) fn open(bytes: &[u8]) -> Result<Opened, BadReceipt> {
    if bytes.len() > MAX_RECEIPT {
        return Err(BadReceipt::TooLarge { size: bytes.len() });
    }
    // The parser would also accept an array for a struct.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(BadReceipt::Field("envelope"));
    }
    let json = |source| BadReceipt::Json { what: "envelope", source };
    let wire: EnvelopeWire = serde_json::from_slice(bytes).map_err(json)?;
    if wire.payload_type != PAYLOAD_TYPE {
        return Err(BadReceipt::Field("payload type"));
    }
    let payload = BASE64.decode(wire.payload.as_bytes()).map_err(|_| BadReceipt::Field("payload"))?;
    Ok(Opened { payload, signatures: wire.signatures })
}

impl Opened {
    /// Verifies that exactly these signers signed, the provider first, and returns the signatures.
    ///
    /// The keys come from the signed payload. The key ids in the envelope are only compared with them.
    pub(super) fn signatures<const N: usize>(
        &self,
        signers: [PeerId; N],
    ) -> Result<[Signature; N], BadReceipt> {
        let count = BadReceipt::Count { found: self.signatures.len(), due: N };
        let wires: &[SignatureWire; N] = self.signatures.as_slice().try_into().map_err(|_| count)?;
        let mut signatures = [Signature::from_bytes([0; 64]); N];
        let sides = [Side::Provider, Side::Caller];
        for (((kept, wire), signer), side) in signatures.iter_mut().zip(wires).zip(signers).zip(sides) {
            *kept = checked(&self.payload, wire, signer, side)?;
        }
        Ok(signatures)
    }
}

fn checked(
    payload: &[u8],
    wire: &SignatureWire,
    signer: PeerId,
    side: Side,
) -> Result<Signature, BadReceipt> {
    if wire.keyid != signer.to_string() {
        return Err(BadReceipt::Key(side));
    }
    let bytes = BASE64.decode(wire.sig.as_bytes()).map_err(|_| BadReceipt::Signature(side))?;
    let signature = bytes.try_into().map(Signature::from_bytes).map_err(|_| BadReceipt::Signature(side))?;
    check(payload, signer, signature, side)?;
    Ok(signature)
}

pub(super) fn encode(payload: &[u8], signatures: &[(PeerId, Signature)]) -> Vec<u8> {
    let wire = |(peer, signature): &(PeerId, Signature)| SignatureWire {
        keyid: peer.to_string(),
        sig: BASE64.encode(signature.as_bytes()),
    };
    let envelope = EnvelopeWire {
        payload: BASE64.encode(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: signatures.iter().map(wire).collect(),
    };
    // Strings can be serialised, so the fallback is never used.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

pub(super) fn sign(payload: &[u8], identity: &Identity) -> Signature {
    Signature::from_bytes(identity.sign(&signed(payload)))
}

/// Strict verification: weak keys and malleable signatures would allow two receipts for one call.
pub(super) fn check(
    payload: &[u8],
    signer: PeerId,
    signature: Signature,
    side: Side,
) -> Result<(), BadReceipt> {
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    VerifyingKey::from_bytes(signer.as_bytes())
        .and_then(|key| key.verify_strict(&signed(payload), &signature))
        .map_err(|_| BadReceipt::Signature(side))
}

/// DSSE's encoding of the signed bytes. The prefix `DSSEv1` keeps the signature distinct from the identity key's
/// signatures for other purposes.
fn signed(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

//! Signatures of the identity key over the head of the audit log.

use coworker_policy::PeerId;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::identity::Identity;

/// Keeps this signature distinct from the identity key's signatures for other purposes.
const DOMAIN: &[u8] = b"coworker/audit-head/v1\0";

pub fn seal_audit_head(identity: &Identity, head: &[u8]) -> [u8; 64] {
    identity.sign(&[DOMAIN, head].concat())
}

/// Returns true if `agent` signed this head.
pub fn sealed_audit_head(agent: PeerId, head: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(agent.as_bytes())
        .and_then(|key| key.verify_strict(&[DOMAIN, head].concat(), &Signature::from_bytes(signature)))
        .is_ok()
}

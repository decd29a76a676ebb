use coworker_policy::PeerId;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use openmls::prelude::{BasicCredential, Credential};

const VERSION: u8 = 1;
/// Keeps this signature distinct from the identity key's signatures for other purposes (TLS, receipts).
const DOMAIN: &[u8] = b"coworker/mls-binding/v1\0";
const KEY: usize = 32;
const SIGNATURE: usize = 64;
const LENGTH: usize = 1 + KEY + SIGNATURE;

/// Why an MLS credential does not belong to the expected peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    #[error("it is not a basic credential")]
    Type,
    #[error("it has {0} bytes; expected {LENGTH}")]
    Length(usize),
    #[error("its version is {0}; this version of coworker knows {VERSION}")]
    Version(u8),
    #[error("it names another agent")]
    OtherPeer,
    #[error("the agent's identity is not a valid Ed25519 key")]
    Key,
    #[error("the identity did not sign this MLS key")]
    Signature,
}

/// Builds the content of our MLS credential: version ‖ identity key ‖ signature over the MLS key.
pub(crate) fn issue(identity: &SigningKey, mls_key: &[u8]) -> Vec<u8> {
    let signature = identity.sign(&signed(mls_key));
    let mut content = Vec::with_capacity(LENGTH);
    content.push(VERSION);
    content.extend_from_slice(identity.verifying_key().as_bytes());
    content.extend_from_slice(&signature.to_bytes());
    content
}

/// Checks that `peer` certified `mls_key`. openmls does not check credentials, so this is the only check.
pub(crate) fn check(credential: &Credential, mls_key: &[u8], peer: PeerId) -> Result<(), BadCertificate> {
    let basic = BasicCredential::try_from(credential.clone()).map_err(|_| BadCertificate::Type)?;
    let (version, identity, signature) = split(basic.identity())?;
    if version != VERSION {
        return Err(BadCertificate::Version(version));
    }
    if identity != peer.as_bytes() {
        return Err(BadCertificate::OtherPeer);
    }
    // Strict verification: weak keys and malleable signatures would allow two certificates for one key.
    VerifyingKey::from_bytes(identity)
        .map_err(|_| BadCertificate::Key)?
        .verify_strict(&signed(mls_key), &Signature::from_bytes(signature))
        .map_err(|_| BadCertificate::Signature)
}

/// Returns the agent that a credential names, after checking that it certified `mls_key`. For groups, where we
/// may not be connected to the member.
pub(crate) fn verified_peer(credential: &Credential, mls_key: &[u8]) -> Result<PeerId, BadCertificate> {
    let peer = claimed_peer(credential)?;
    check(credential, mls_key, peer).map(|()| peer)
}

/// Returns the agent that a credential names, without checking it. Only for credentials that were checked when
/// their leaf was added to the group.
pub(crate) fn claimed_peer(credential: &Credential) -> Result<PeerId, BadCertificate> {
    let basic = BasicCredential::try_from(credential.clone()).map_err(|_| BadCertificate::Type)?;
    split(basic.identity()).map(|(_, identity, _)| PeerId::from_bytes(*identity))
}

fn signed(mls_key: &[u8]) -> Vec<u8> {
    [DOMAIN, mls_key].concat()
}

fn split(content: &[u8]) -> Result<(u8, &[u8; KEY], &[u8; SIGNATURE]), BadCertificate> {
    let length = || BadCertificate::Length(content.len());
    let (version, rest) = content.split_first().ok_or_else(length)?;
    let (identity, rest) = rest.split_first_chunk().ok_or_else(length)?;
    let signature = rest.try_into().map_err(|_| length())?;
    Ok((*version, identity, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(key: &SigningKey) -> PeerId {
        PeerId::from_bytes(key.verifying_key().to_bytes())
    }

    fn credential(content: Vec<u8>) -> Credential {
        BasicCredential::new(content).into()
    }

    #[test]
    fn a_certificate_is_valid_only_for_its_key_and_peer() {
        let (alice, bob) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let certificate = credential(issue(&alice, &[7; 32]));
        assert_eq!(check(&certificate, &[7; 32], peer(&alice)), Ok(()));
        assert_eq!(check(&certificate, &[7; 32], peer(&bob)), Err(BadCertificate::OtherPeer));
        assert_eq!(check(&certificate, &[8; 32], peer(&alice)), Err(BadCertificate::Signature));
    }

    #[test]
    fn every_altered_byte_is_detected() {
        let alice = SigningKey::from_bytes(&[1; 32]);
        let good = issue(&alice, &[7; 32]);
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert!(check(&credential(bad), &[7; 32], peer(&alice)).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_wrong_length_is_refused() {
        let alice = SigningKey::from_bytes(&[1; 32]);
        let mut content = issue(&alice, &[7; 32]);
        content.push(0);
        let long = check(&credential(content.clone()), &[7; 32], peer(&alice));
        assert_eq!(long, Err(BadCertificate::Length(LENGTH + 1)));
        content.truncate(LENGTH - 1);
        let short = check(&credential(content), &[7; 32], peer(&alice));
        assert_eq!(short, Err(BadCertificate::Length(LENGTH - 1)));
        assert_eq!(check(&credential(vec![]), &[7; 32], peer(&alice)), Err(BadCertificate::Length(0)));
    }

    #[test]
    fn a_small_order_identity_certifies_nothing() {
        // Under lenient verification the neutral element verifies any signature.
        let mut point = [0; 32];
        point[0] = 1;
        let content = [&[VERSION][..], &point, &point, &[0; 32]].concat();
        let checked = check(&credential(content), &[7; 32], PeerId::from_bytes(point));
        assert_eq!(checked, Err(BadCertificate::Signature));
    }
}

use std::fmt;

use coworker_policy::PeerId;
use ed25519_dalek::SigningKey;
use openmls::prelude::{BasicCredential, CredentialWithKey, SignatureScheme};
use openmls_traits::signatures::{Signer, SignerError};

use crate::certificate;

/// The agent's secret identity key. Wiped from memory when dropped.
pub struct Identity(SigningKey);

impl Identity {
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The secret key. For the data directory and the network endpoint only.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub fn peer_id(&self) -> PeerId {
        PeerId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// The caller must prefix the bytes with the purpose of the signature.
    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        ed25519_dalek::Signer::sign(&self.0, bytes).to_bytes()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer_id().short())
    }
}

/// Our MLS signature key and the credential in which our identity certifies it.
///
/// Keeps the expanded key, because openmls's signer would derive it again for every message.
pub struct Member {
    key: SigningKey,
    credential: CredentialWithKey,
}

impl Member {
    /// `mls_seed` is secret. It must stay the same while sessions created with it exist.
    pub fn new(identity: &Identity, mls_seed: [u8; 32]) -> Self {
        let key = SigningKey::from_bytes(&mls_seed);
        let public = key.verifying_key().to_bytes();
        let credential = BasicCredential::new(certificate::issue(&identity.0, &public)).into();
        Self { key, credential: CredentialWithKey { credential, signature_key: public.to_vec().into() } }
    }

    pub(crate) fn credential(&self) -> &CredentialWithKey {
        &self.credential
    }
}

impl Signer for Member {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(ed25519_dalek::Signer::sign(&self.key, payload).to_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

use coworker_channel::{BadCertificate, ChannelError, Identity, Member, Message, Opened, PeerFault, Session};
use coworker_policy::{PeerId, RequestId};
use ed25519_dalek::{Signer as _, SigningKey};
use openmls::prelude::{BasicCredential, CredentialWithKey, OpenMlsProvider};
use openmls_memory_storage::MemoryStorage;
use openmls_rust_crypto::RustCrypto;
use uuid::Uuid;

/// One side of a conversation, with the openmls provider that a test needs to misbehave in its name.
pub(crate) struct Party {
    seed: u8,
    pub(crate) identity: Identity,
    pub(crate) member: Member,
    pub(crate) storage: MemoryStorage,
    crypto: RustCrypto,
}

impl Party {
    pub(crate) fn new(seed: u8) -> Self {
        let identity = Identity::from_seed([seed; 32]);
        let member = Member::new(&identity, [seed + 100; 32]);
        let (storage, crypto) = (MemoryStorage::default(), RustCrypto::default());
        Self { seed, identity, member, storage, crypto }
    }

    pub(crate) fn id(&self) -> PeerId {
        self.identity.peer_id()
    }

    pub(crate) fn key_package(&self) -> Vec<u8> {
        Session::key_package(&self.member, &self.storage).unwrap()
    }

    /// The credential of this party with a hand-made certificate that `issuer` signed in the name of `name`.
    pub(crate) fn credential(&self, issuer: &Self, name: &Self) -> CredentialWithKey {
        let key = SigningKey::from_bytes(&[self.seed + 100; 32]).verifying_key().to_bytes();
        let signed = [b"coworker/mls-binding/v1\0", &key[..]].concat();
        let signature = SigningKey::from_bytes(&[issuer.seed; 32]).sign(&signed).to_bytes();
        let content = [&[1], &name.id().as_bytes()[..], &signature].concat();
        CredentialWithKey {
            credential: BasicCredential::new(content).into(),
            signature_key: key.to_vec().into(),
        }
    }

    pub(crate) fn own_credential(&self) -> CredentialWithKey {
        self.credential(self, self)
    }
}

impl OpenMlsProvider for Party {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

/// Alice creates a session with Bob.
pub(crate) fn session(alice: &Party, bob: &Party) -> (Session, Session) {
    let (ours, welcome) =
        Session::create(&alice.member, &alice.storage, bob.id(), &bob.key_package()).unwrap();
    let theirs = Session::join(&bob.member, &bob.storage, alice.id(), &welcome).unwrap();
    (ours, theirs)
}

pub(crate) fn id(number: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn ping(number: u128) -> Message {
    Message::Ping { id: id(number) }
}

pub(crate) fn messages(opened: Opened) -> Vec<Message> {
    opened.into_messages().into_iter().map(Result::unwrap).collect()
}

pub(crate) fn fault<T: std::fmt::Debug>(result: Result<T, ChannelError>) -> PeerFault {
    let error = result.unwrap_err();
    assert!(error.is_peer_fault());
    match error {
        ChannelError::Peer(fault) => fault,
        other => panic!("not the peer's fault: {other:?}"),
    }
}

pub(crate) fn bad_certificate<T: std::fmt::Debug>(result: Result<T, ChannelError>) -> BadCertificate {
    match fault(result) {
        PeerFault::Certificate(reason) => reason,
        other => panic!("not a certificate fault: {other:?}"),
    }
}

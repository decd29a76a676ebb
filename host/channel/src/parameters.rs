use std::error::Error;

use openmls::group::{MlsGroupCreateConfig, MlsGroupJoinConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY};
use openmls::prelude::{Ciphersuite, OpenMlsProvider, SenderRatchetConfiguration};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::storage::{CURRENT_VERSION, StorageProvider};

/// The only supported cipher suite.
pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// Plaintexts are padded to a multiple of this many bytes, so that a ciphertext's length reveals little.
const PADDING: usize = 256;
/// How many ratchet generations late a message may arrive.
const OUT_OF_ORDER: u32 = 512;
/// How many ratchet generations a peer may skip. Each one costs us a key derivation.
const FORWARD: u32 = 5_000;
const PAST_EPOCHS: usize = 3;
/// Higher than for sessions, because a group's epoch can change while messages are in transit.
pub(crate) const GROUP_PAST_EPOCHS: usize = 5;

/// The storage of MLS state: any openmls storage whose errors are `Send` and `Sync`.
pub trait Storage: StorageProvider<CURRENT_VERSION, Error = Self::Failure> {
    type Failure: Error + Send + Sync + 'static;
}

impl<S, E> Storage for S
where
    S: StorageProvider<CURRENT_VERSION, Error = E>,
    E: Error + Send + Sync + 'static,
{
    type Failure = E;
}

pub(crate) fn create_config() -> MlsGroupCreateConfig {
    MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(PAST_EPOCHS)
        .padding_size(PADDING)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, FORWARD))
        .build()
}

pub(crate) fn join_config() -> MlsGroupJoinConfig {
    create_config().join_config().clone()
}

/// The cryptography, and the storage of one operation.
pub(crate) struct Provider<'a, S> {
    crypto: RustCrypto,
    storage: &'a S,
}

impl<'a, S> Provider<'a, S> {
    pub(crate) fn new(storage: &'a S) -> Self {
        Self { crypto: RustCrypto::default(), storage }
    }
}

impl<S: Storage> OpenMlsProvider for Provider<'_, S> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = S;

    fn storage(&self) -> &S {
        self.storage
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

//! Encoding, decoding and checking MLS values, and mapping openmls errors to the side at fault.

use std::error::Error;

use openmls::framing::errors::MessageDecryptionError;
use openmls::framing::{MlsMessageBodyIn, MlsMessageIn, MlsMessageOut};
use openmls::group::{ProcessMessageError, ValidationError, WelcomeError};
use openmls::key_packages::KeyPackage;
use openmls::prelude::{CreationFromExternalError, OpenMlsProvider as _, ProtocolVersion};
use tls_codec::DeserializeBytes as _;

use crate::batch;
use crate::error::{ChannelError, PeerFault};
use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE};
use crate::parameters::{Provider, SUITE, Storage};

pub(crate) fn parse(bytes: &[u8], expected: &'static str) -> Result<MlsMessageBodyIn, PeerFault> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .map(MlsMessageIn::extract)
        .map_err(|_| PeerFault::Malformed { expected })
}

pub(crate) fn to_bytes(message: &MlsMessageOut) -> Result<Vec<u8>, ChannelError> {
    message.to_bytes().map_err(state_error("write an MLS message"))
}

/// Parses a key package. Checks that openmls finds it valid (signatures, lifetime, extensions) and that it is of
/// our suite.
pub(crate) fn checked_key_package<S: Storage>(
    provider: &Provider<'_, S>,
    key_package: &[u8],
) -> Result<KeyPackage, PeerFault> {
    let MlsMessageBodyIn::KeyPackage(key_package) = parse(key_package, "a key package")? else {
        return Err(PeerFault::Malformed { expected: "a key package" });
    };
    let key_package = key_package
        .validate(provider.crypto(), ProtocolVersion::Mls10)
        .map_err(|error| PeerFault::KeyPackage(Box::new(error)))?;
    if key_package.ciphersuite() == SUITE { Ok(key_package) } else { Err(PeerFault::Suite) }
}

/// Deletes the secret part of one of our key packages.
pub(crate) fn forget_key_package<S: Storage>(storage: &S, key_package: &[u8]) -> Result<(), ChannelError> {
    let provider = Provider::new(storage);
    let reference = checked_key_package(&provider, key_package)?
        .hash_ref(provider.crypto())
        .map_err(state_error("name a key package"))?;
    storage.delete_key_package(&reference).map_err(state_error("forget a key package"))
}

/// Checks the count and sizes of messages to seal.
pub(crate) fn check_batch(messages: &[Vec<u8>]) -> Result<(), ChannelError> {
    let count = messages.len();
    if !(1..=MAX_BATCH_MESSAGES).contains(&count) {
        return Err(ChannelError::BatchCount { count, max: MAX_BATCH_MESSAGES });
    }
    if let Some(size) = messages.iter().map(Vec::len).find(|size| *size > MAX_MESSAGE) {
        return Err(ChannelError::MessageSize { size, max: MAX_MESSAGE });
    }
    let size = batch::size(messages);
    if size > MAX_BATCH_BYTES {
        return Err(ChannelError::BatchSize { size, max: MAX_BATCH_BYTES });
    }
    Ok(())
}

/// An error of our storage, or of openmls in an operation on our own data.
pub(crate) fn state_error<E: Error + Send + Sync + 'static>(
    doing: &'static str,
) -> impl FnOnce(E) -> ChannelError {
    move |error| ChannelError::State { doing, source: Box::new(error) }
}

pub(crate) fn welcome_error<E>(error: WelcomeError<E>) -> ChannelError
where
    E: Error + Send + Sync + 'static,
{
    match error {
        WelcomeError::StorageError(error)
        | WelcomeError::PublicGroupError(CreationFromExternalError::WriteToStorageError(error)) => {
            state_error("store a session")(error)
        }
        error => PeerFault::Welcome(Box::new(error)).into(),
    }
}

pub(crate) fn message_error<E>(error: ProcessMessageError<E>) -> ChannelError
where
    E: Error + Send + Sync + 'static,
{
    match error {
        ProcessMessageError::StorageError(error) => state_error("store a session")(error),
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(
            MessageDecryptionError::SecretTreeError(error),
        )) if is_key_deleted(&error) => PeerFault::Replayed.into(),
        error => PeerFault::Message(Box::new(error)).into(),
    }
}

/// Returns true if a message's key has been used or is too old. openmls does not export this error type, so its
/// variants can be recognised only by their names. Tests in `tests/channel` fail if these names change.
fn is_key_deleted(error: &impl std::fmt::Debug) -> bool {
    matches!(format!("{error:?}").as_str(), "SecretReuseError" | "TooDistantInThePast")
}

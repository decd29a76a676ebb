//! What is checked before a session is made or used, and whose fault it is when MLS says no.

use std::error::Error;

use coworker_policy::PeerId;
use openmls::framing::errors::MessageDecryptionError;
use openmls::framing::{MlsMessageBodyIn, MlsMessageIn, MlsMessageOut};
use openmls::group::{self, ProcessMessageError, StagedWelcome, ValidationError, WelcomeError};
use openmls::key_packages::KeyPackage;
use openmls::prelude::{CreationFromExternalError, LeafNodeIndex, OpenMlsProvider as _, ProtocolVersion};
use tls_codec::DeserializeBytes as _;

use crate::batch::{self, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES};
use crate::certificate;
use crate::error::{ChannelError, PeerFault};
use crate::identity::Member;
use crate::message::MAX_MESSAGE;
use crate::parameters::{Provider, SUITE, Storage};

pub(crate) fn parsed(bytes: &[u8], expected: &'static str) -> Result<MlsMessageBodyIn, PeerFault> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .map(MlsMessageIn::extract)
        .map_err(|_| PeerFault::Malformed { expected })
}

pub(crate) fn bytes(message: &MlsMessageOut) -> Result<Vec<u8>, ChannelError> {
    message.to_bytes().map_err(failed("write an MLS message"))
}

/// A key package that openmls finds valid (signatures, lifetime, extensions), of our suite.
pub(crate) fn checked_key_package<S: Storage>(
    provider: &Provider<'_, S>,
    key_package: &[u8],
) -> Result<KeyPackage, PeerFault> {
    let MlsMessageBodyIn::KeyPackage(key_package) = parsed(key_package, "a key package")? else {
        return Err(PeerFault::Malformed { expected: "a key package" });
    };
    let key_package = key_package
        .validate(provider.crypto(), ProtocolVersion::Mls10)
        .map_err(|error| PeerFault::KeyPackage(Box::new(error)))?;
    if key_package.ciphersuite() == SUITE { Ok(key_package) } else { Err(PeerFault::Suite) }
}

/// Checks a welcome that openmls has decrypted and verified, before anything of it is stored.
pub(super) fn check_welcome(staged: &StagedWelcome, member: &Member, peer: PeerId) -> Result<(), PeerFault> {
    let context = staged.group_context();
    if context.ciphersuite() != SUITE {
        return Err(PeerFault::Suite);
    }
    // Extensions can let outsiders propose changes; a session has no use for any.
    if context.protocol_version() != ProtocolVersion::Mls10 || context.extensions().iter().next().is_some() {
        return Err(PeerFault::GroupContext);
    }
    let other = other_member(staged.members(), staged.own_leaf_index(), peer)?;
    if staged.welcome_sender_index() != other.index {
        return Err(PeerFault::WelcomeSender);
    }
    let ours = staged.own_leaf_node().is_some_and(|leaf| {
        *leaf.credential() == member.credential().credential
            && *leaf.signature_key() == member.credential().signature_key
    });
    if ours { Ok(()) } else { Err(PeerFault::Members) }
}

/// The one member besides us, with a credential that `peer` vouches for.
pub(super) fn other_member(
    members: impl Iterator<Item = group::Member>,
    own: LeafNodeIndex,
    peer: PeerId,
) -> Result<group::Member, PeerFault> {
    let mut others = members.filter(|member| member.index != own);
    let (Some(other), None) = (others.next(), others.next()) else {
        return Err(PeerFault::Members);
    };
    certificate::check(&other.credential, &other.signature_key, peer)?;
    Ok(other)
}

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

/// Our storage or openmls failed while we did something of our own.
pub(crate) fn failed<E: Error + Send + Sync + 'static>(
    doing: &'static str,
) -> impl FnOnce(E) -> ChannelError {
    move |error| ChannelError::State { doing, source: Box::new(error) }
}

pub(crate) fn welcome_failed<E>(error: WelcomeError<E>) -> ChannelError
where
    E: Error + Send + Sync + 'static,
{
    match error {
        WelcomeError::StorageError(error)
        | WelcomeError::PublicGroupError(CreationFromExternalError::WriteToStorageError(error)) => {
            failed("store a session")(error)
        }
        error => PeerFault::Welcome(Box::new(error)).into(),
    }
}

pub(crate) fn message_failed<E>(error: ProcessMessageError<E>) -> ChannelError
where
    E: Error + Send + Sync + 'static,
{
    match error {
        ProcessMessageError::StorageError(error) => failed("store a session")(error),
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(
            MessageDecryptionError::SecretTreeError(error),
        )) if is_spent(&error) => PeerFault::Replayed.into(),
        error => PeerFault::Message(Box::new(error)).into(),
    }
}

/// Whether the key of a message is gone. openmls does not export the type of this error, so that its
/// variants can only be told by their names; `tests/channel.rs` notices if they change.
pub(crate) fn is_spent(error: &impl std::fmt::Debug) -> bool {
    matches!(format!("{error:?}").as_str(), "SecretReuseError" | "TooDistantInThePast")
}

mod checks;
mod id;

use std::fmt;

use coworker_policy::PeerId;
use openmls::framing::{
    ContentType, MlsMessageBodyIn, MlsMessageOut, PrivateMessageIn, ProcessedMessage,
    ProcessedMessageContent, Sender,
};
use openmls::group::{AddMembersError, GroupId, MlsGroup, StagedWelcome};
use openmls::key_packages::KeyPackage;
use openmls::prelude::{Credential, LeafNodeIndex, OpenMlsProvider as _, OpenMlsRand as _};

use crate::batch;
use crate::certificate;
use crate::error::{ChannelError, PeerFault};
use crate::identity::Member;
use crate::message::{BadMessage, Message};
use crate::mls::{
    check_batch, checked_key_package, forget_key_package, message_error, parse, state_error, to_bytes,
    welcome_error,
};
use crate::parameters::{Provider, SUITE, Storage, create_config, join_config};

use checks::{check_welcome, other_member};
pub use id::SessionId;

/// A direct conversation: an MLS group of two, us and one peer. Its members never change.
pub struct Session {
    id: SessionId,
    peer: PeerId,
    /// The peer's index and credential, as checked when the session was created or loaded.
    peer_leaf: LeafNodeIndex,
    peer_credential: Credential,
    group: MlsGroup,
}

impl Session {
    /// Creates a key package, the first half of a handshake, for one [`Session::create`] by the peer. The storage
    /// keeps its secret part until it is used or withdrawn.
    pub fn key_package<S: Storage>(member: &Member, storage: &S) -> Result<Vec<u8>, ChannelError> {
        let bundle = KeyPackage::builder()
            .build(SUITE, &Provider::new(storage), member, member.credential().clone())
            .map_err(state_error("make a key package"))?;
        to_bytes(&MlsMessageOut::from(bundle.into_key_package()))
    }

    /// Deletes the secret part of one of our key packages after a failed handshake.
    pub fn withdraw<S: Storage>(storage: &S, key_package: &[u8]) -> Result<(), ChannelError> {
        forget_key_package(storage, key_package)
    }

    /// Creates a session with `peer`, the authenticated peer of the connection that delivered `key_package`.
    /// Returns the session and the welcome for the peer. The session is durable when the caller commits.
    pub fn create<S: Storage>(
        member: &Member,
        storage: &S,
        peer: PeerId,
        key_package: &[u8],
    ) -> Result<(Self, Vec<u8>), ChannelError> {
        let provider = Provider::new(storage);
        let key_package = checked_key_package(&provider, key_package)?;
        let leaf = key_package.leaf_node();
        certificate::check(leaf.credential(), leaf.signature_key().as_slice(), peer)
            .map_err(PeerFault::from)?;
        let id: [u8; 32] = provider.rand().random_array().map_err(state_error("draw a session id"))?;
        let mut group = MlsGroup::new_with_group_id(
            &provider,
            member,
            &create_config(),
            GroupId::from_slice(&id),
            member.credential().clone(),
        )
        .map_err(state_error("make a session"))?;
        let (_, welcome, _) =
            group.add_members(&provider, member, &[key_package]).map_err(|error| match error {
                AddMembersError::CreateCommitError(error) => PeerFault::KeyPackage(Box::new(error)).into(),
                error => state_error("add the peer to a session")(error),
            })?;
        group.merge_pending_commit(&provider).map_err(state_error("start a session"))?;
        Ok((Self::of(group, peer)?, to_bytes(&welcome)?))
    }

    /// Joins the session that `peer`, the authenticated peer of the connection, created with one of our key
    /// packages. On an error the caller must roll back, or the key package is used up.
    pub fn join<S: Storage>(
        member: &Member,
        storage: &S,
        peer: PeerId,
        welcome: &[u8],
    ) -> Result<Self, ChannelError> {
        let provider = Provider::new(storage);
        let MlsMessageBodyIn::Welcome(welcome) = parse(welcome, "a welcome")? else {
            return Err(PeerFault::Malformed { expected: "a welcome" }.into());
        };
        if welcome.ciphersuite() != SUITE {
            return Err(PeerFault::Suite.into());
        }
        let staged = StagedWelcome::new_from_welcome(&provider, &join_config(), welcome, None)
            .map_err(welcome_error)?;
        check_welcome(&staged, member, peer)?;
        let group = staged.into_group(&provider).map_err(welcome_error)?;
        Self::of(group, peer)
    }

    /// Loads a session from storage. Returns `None` if it does not exist, and an error if its other member is not
    /// `peer`.
    pub fn load<S: Storage>(storage: &S, peer: PeerId, id: &SessionId) -> Result<Option<Self>, ChannelError> {
        let group = MlsGroup::load(storage, &GroupId::from_slice(id.as_bytes()))
            .map_err(state_error("load a session"))?;
        group.map(|group| Self::of(group, peer)).transpose()
    }

    pub fn id(&self) -> SessionId {
        self.id
    }

    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Seals 1 to 64 encoded messages into one MLS message with the sequence number `seq`.
    pub fn seal<S: Storage>(
        &mut self,
        member: &Member,
        storage: &S,
        seq: u64,
        batch: &[Vec<u8>],
    ) -> Result<Vec<u8>, ChannelError> {
        check_batch(batch)?;
        self.group.set_aad(seq.to_be_bytes().to_vec());
        let sealed = self
            .group
            .create_message(&Provider::new(storage), member, &batch::encode(batch))
            .map_err(state_error("seal a message"))?;
        to_bytes(&sealed)
    }

    /// Opens the message that the peer sealed with the sequence number `seq`. A message can be opened once.
    pub fn open<S: Storage>(
        &mut self,
        storage: &S,
        seq: u64,
        ciphertext: &[u8],
    ) -> Result<Opened, ChannelError> {
        let message = self.expected(seq, ciphertext)?;
        let processed =
            self.group.process_message(&Provider::new(storage), message).map_err(message_error)?;
        self.check_sender(&processed)?;
        let ProcessedMessageContent::ApplicationMessage(plain) = processed.into_content() else {
            return Err(PeerFault::NotApplication.into());
        };
        let plain = plain.into_bytes();
        let messages = batch::split(&plain).map_err(PeerFault::from)?;
        Ok(Opened { from: self.peer, messages: messages.into_iter().map(Message::decode).collect() })
    }

    /// Removes the session and its keys from the storage.
    pub fn delete<S: Storage>(mut self, storage: &S) -> Result<(), ChannelError> {
        self.group.delete(storage).map_err(state_error("delete a session"))
    }

    /// Builds every session. Checks that it has two members, one of them `peer`.
    fn of(group: MlsGroup, peer: PeerId) -> Result<Self, ChannelError> {
        let id = group.group_id().as_slice().try_into().map_err(|_| PeerFault::GroupContext)?;
        let other = other_member(group.members(), group.own_leaf_index(), peer)?;
        Ok(Self {
            id: SessionId::from_bytes(id),
            peer,
            peer_leaf: other.index,
            peer_credential: other.credential,
            group,
        })
    }

    /// Refuses an unexpected message before any key is used up for it. MLS authenticates all fields read here.
    fn expected(&self, seq: u64, ciphertext: &[u8]) -> Result<PrivateMessageIn, PeerFault> {
        let MlsMessageBodyIn::PrivateMessage(message) = parse(ciphertext, "a sealed message")? else {
            return Err(PeerFault::Malformed { expected: "a sealed message" });
        };
        if message.group_id() != self.group.group_id() {
            return Err(PeerFault::OtherSession);
        }
        // Members never change, so a proposal or commit is never expected.
        if message.content_type() != ContentType::Application {
            return Err(PeerFault::NotApplication);
        }
        if message.aad() != seq.to_be_bytes() {
            return Err(PeerFault::Sequence { expected: seq });
        }
        Ok(message)
    }

    fn check_sender(&self, processed: &ProcessedMessage) -> Result<(), PeerFault> {
        let by_peer = *processed.sender() == Sender::Member(self.peer_leaf)
            && *processed.credential() == self.peer_credential;
        if by_peer { Ok(()) } else { Err(PeerFault::MessageSender) }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The content of one sealed message.
#[derive(Debug)]
pub struct Opened {
    from: PeerId,
    messages: Vec<Result<Message, BadMessage>>,
}

impl Opened {
    /// The sender, as MLS authenticated it.
    pub fn from(&self) -> PeerId {
        self.from
    }

    pub fn messages(&self) -> &[Result<Message, BadMessage>] {
        &self.messages
    }

    pub fn into_messages(self) -> Vec<Result<Message, BadMessage>> {
        self.messages
    }
}

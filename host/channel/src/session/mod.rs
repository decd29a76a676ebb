pub(crate) mod checks;
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
use crate::parameters::{Provider, SUITE, Storage, create_config, join_config};

use checks::{
    bytes, check_batch, check_welcome, checked_key_package, failed, message_failed, other_member, parsed,
    welcome_failed,
};
pub use id::SessionId;

/// A direct conversation: an MLS group of us and one peer, whose members never change.
pub struct Session {
    id: SessionId,
    peer: PeerId,
    /// The peer's place in the group, and its credential, as checked when the session was made or loaded.
    peer_leaf: LeafNodeIndex,
    peer_credential: Credential,
    group: MlsGroup,
}

impl Session {
    /// A fresh key package: the first half of a handshake, good for one [`Session::create`] by the peer.
    /// Its secret part is in the storage until it is used or withdrawn.
    pub fn key_package<S: Storage>(member: &Member, storage: &S) -> Result<Vec<u8>, ChannelError> {
        let bundle = KeyPackage::builder()
            .build(SUITE, &Provider::new(storage), member, member.credential().clone())
            .map_err(failed("make a key package"))?;
        bytes(&MlsMessageOut::from(bundle.into_key_package()))
    }

    /// Forgets the secret part of one of our key packages, when a handshake came to nothing.
    pub fn withdraw<S: Storage>(storage: &S, key_package: &[u8]) -> Result<(), ChannelError> {
        let provider = Provider::new(storage);
        let reference = checked_key_package(&provider, key_package)?
            .hash_ref(provider.crypto())
            .map_err(failed("name a key package"))?;
        storage.delete_key_package(&reference).map_err(failed("forget a key package"))
    }

    /// Makes a session with `peer`, the authenticated other end of the connection that `key_package` came
    /// over. Returns the welcome for it; the session is durable when the caller commits.
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
        let id: [u8; 32] = provider.rand().random_array().map_err(failed("draw a session id"))?;
        let mut group = MlsGroup::new_with_group_id(
            &provider,
            member,
            &create_config(),
            GroupId::from_slice(&id),
            member.credential().clone(),
        )
        .map_err(failed("make a session"))?;
        let (_, welcome, _) =
            group.add_members(&provider, member, &[key_package]).map_err(|error| match error {
                AddMembersError::CreateCommitError(error) => PeerFault::KeyPackage(Box::new(error)).into(),
                error => failed("add the peer to a session")(error),
            })?;
        group.merge_pending_commit(&provider).map_err(failed("start a session"))?;
        Ok((Self::of(group, peer)?, bytes(&welcome)?))
    }

    /// Joins the session that `peer`, the authenticated other end of the connection, made with one of our
    /// key packages. On an error the caller rolls back: the key package is used up otherwise.
    pub fn join<S: Storage>(
        member: &Member,
        storage: &S,
        peer: PeerId,
        welcome: &[u8],
    ) -> Result<Self, ChannelError> {
        let provider = Provider::new(storage);
        let MlsMessageBodyIn::Welcome(welcome) = parsed(welcome, "a welcome")? else {
            return Err(PeerFault::Malformed { expected: "a welcome" }.into());
        };
        if welcome.ciphersuite() != SUITE {
            return Err(PeerFault::Suite.into());
        }
        let staged = StagedWelcome::new_from_welcome(&provider, &join_config(), welcome, None)
            .map_err(welcome_failed)?;
        check_welcome(&staged, member, peer)?;
        let group = staged.into_group(&provider).map_err(welcome_failed)?;
        Self::of(group, peer)
    }

    /// The session as storage has it; `None` if there is none. It is an error if its other member is not
    /// `peer`.
    pub fn load<S: Storage>(storage: &S, peer: PeerId, id: &SessionId) -> Result<Option<Self>, ChannelError> {
        let group =
            MlsGroup::load(storage, &GroupId::from_slice(id.as_bytes())).map_err(failed("load a session"))?;
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
            .map_err(failed("seal a message"))?;
        bytes(&sealed)
    }

    /// Opens what the peer sealed with the sequence number `seq`. A message opens once.
    pub fn open<S: Storage>(
        &mut self,
        storage: &S,
        seq: u64,
        ciphertext: &[u8],
    ) -> Result<Opened, ChannelError> {
        let message = self.expected(seq, ciphertext)?;
        let processed =
            self.group.process_message(&Provider::new(storage), message).map_err(message_failed)?;
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
        self.group.delete(storage).map_err(failed("delete a session"))
    }

    /// Every session passes here: two members, one of them `peer`.
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

    /// What can be refused before a key is spent on it. MLS authenticates all that is read here.
    fn expected(&self, seq: u64, ciphertext: &[u8]) -> Result<PrivateMessageIn, PeerFault> {
        let MlsMessageBodyIn::PrivateMessage(message) = parsed(ciphertext, "a sealed message")? else {
            return Err(PeerFault::Malformed { expected: "a sealed message" });
        };
        if message.group_id() != self.group.group_id() {
            return Err(PeerFault::OtherSession);
        }
        // Members never change, so a proposal or commit is never due.
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

/// What one sealed message held.
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

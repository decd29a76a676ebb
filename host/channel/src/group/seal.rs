use coworker_policy::PeerId;
use openmls::framing::{ContentType, ProcessedMessageContent, Sender};
use openmls::group::{ProcessMessageError, ValidationError};

use super::error::{GroupError, GroupFault, GroupRefusal};
use super::ledger::{Held, Ledger};
use super::state::{Backend, Group};
use crate::batch;
use crate::certificate;
use crate::error::{ChannelError, PeerFault};
use crate::fields::{chunk, number, peer};
use crate::limits::{MAX_GROUP_BATCH, MAX_SEALED};
use crate::message::{BadMessage, Message};
use crate::mls::{check_batch, message_error, state_error, to_bytes};
use crate::parameters::{GROUP_PAST_EPOCHS, Provider, Storage};

/// Most messages of future epochs that are held for a group.
pub const MAX_HELD: usize = 512;
/// Most held messages that one peer may deliver.
pub const MAX_HELD_VIA: usize = 64;

/// A message that is more epochs ahead of us than this is not held.
const MAX_AHEAD: u64 = 1024;
const VERSION: u8 = 1;

/// An opened message of a member to the group.
#[derive(Debug)]
pub struct GroupOpened {
    from: PeerId,
    epoch: u64,
    seq: u64,
    to: Option<PeerId>,
    messages: Vec<Result<Message, BadMessage>>,
}

/// The result of receiving a sealed message.
#[derive(Debug)]
pub enum Received {
    Opened(GroupOpened),
    /// It is from an epoch that we have not reached. [`Group::apply`] opens it when we reach that epoch.
    Held,
    /// We do not have its key: its epoch is too far in the past or future, or before we joined, or we missed too
    /// many of its author's messages. Its author has to seal it again.
    Unreadable,
}

impl GroupOpened {
    /// The sender, as MLS authenticated it.
    pub fn from(&self) -> PeerId {
        self.from
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The sender's sequence number. It orders messages and identifies duplicates.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The member that it is meant for, or `None` if it is for everyone. All members can read it.
    pub fn to(&self) -> Option<PeerId> {
        self.to
    }

    pub fn messages(&self) -> &[Result<Message, BadMessage>] {
        &self.messages
    }

    pub fn into_messages(self) -> Vec<Result<Message, BadMessage>> {
        self.messages
    }
}

impl Group {
    /// Seals 1 to 64 encoded messages for all members, meant for `to` or for everyone. `seq` is the sequence
    /// number of the batch. A batch that is sealed again keeps its number.
    pub fn seal<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        seq: u64,
        to: Option<PeerId>,
        batch: &[Vec<u8>],
    ) -> Result<Vec<u8>, GroupError> {
        self.ensure_active()?;
        check_batch(batch)?;
        let size = batch::size(batch);
        if size > MAX_GROUP_BATCH {
            return Err(ChannelError::BatchSize { size, max: MAX_GROUP_BATCH }.into());
        }
        if let Some(stranger) = to.filter(|to| !self.is_member(*to)) {
            return Err(GroupRefusal::NotMember(stranger).into());
        }
        let sealed = self
            .mls
            .create_message(&Provider::new(backend.storage), backend.member, &encode(seq, to, batch))
            .map_err(state_error("seal a message to a group"))?;
        Ok(to_bytes(&sealed)?)
    }

    /// Opens a message of a member, which `via` delivered. A message can be opened once.
    pub fn open<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
        via: PeerId,
        sealed: &[u8],
    ) -> Result<Received, GroupError> {
        self.ensure_active()?;
        let message = self.private_message(sealed, MAX_SEALED)?;
        if message.content_type() != ContentType::Application {
            return Err(PeerFault::NotApplication.into());
        }
        let (epoch, ours) = (message.epoch().as_u64(), self.epoch());
        if epoch > ours {
            return self.hold(backend, &Held { epoch, via, sealed: sealed.to_vec() });
        }
        if ours - epoch > GROUP_PAST_EPOCHS as u64 {
            return Ok(Received::Unreadable);
        }
        let processed = match self.mls.process_message(&Provider::new(backend.storage), message) {
            Ok(processed) => processed,
            Err(error) if is_out_of_reach(&error, epoch < ours) => return Ok(Received::Unreadable),
            Err(error) => return Err(message_error(error).into()),
        };
        let Sender::Member(_) = processed.sender() else {
            return Err(GroupFault::Sender.into());
        };
        // The credential was checked when its leaf was added to the group, and MLS has checked the signature.
        let from = certificate::claimed_peer(processed.credential())?;
        let ProcessedMessageContent::ApplicationMessage(plain) = processed.into_content() else {
            return Err(PeerFault::NotApplication.into());
        };
        Ok(Received::Opened(decode(from, epoch, &plain.into_bytes())?))
    }

    /// Holds a message whose author and authenticity are still unknown. So each peer has its own quota.
    fn hold<S: Storage, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        held: &Held,
    ) -> Result<Received, GroupError> {
        let (all, via) = backend.ledger.held(self.id, held.via).map_err(GroupError::ledger)?;
        if held.epoch - self.epoch() > MAX_AHEAD || all >= MAX_HELD || via >= MAX_HELD_VIA {
            return Ok(Received::Unreadable);
        }
        backend.ledger.hold(self.id, held).map_err(GroupError::ledger)?;
        Ok(Received::Held)
    }

    /// Opens the messages that were held for the epoch that we have just reached.
    pub(super) fn released<S: Storage, L: Ledger>(
        &mut self,
        backend: &Backend<'_, S, L>,
    ) -> Result<Vec<Result<GroupOpened, GroupError>>, GroupError> {
        let held = backend.ledger.release(self.id, self.epoch()).map_err(GroupError::ledger)?;
        let mut opened = Vec::with_capacity(held.len());
        for held in held {
            match self.open(backend, held.via, &held.sealed) {
                Ok(Received::Opened(message)) => opened.push(Ok(message)),
                Ok(Received::Held | Received::Unreadable) => {}
                // Our own storage failed. The caller rolls back, and the message stays held.
                Err(error) if !error.is_peer_fault() => return Err(error),
                Err(error) => opened.push(Err(error)),
            }
        }
        Ok(opened)
    }
}

/// Returns true if we cannot have the key of a message: it is older than our membership, or its author sealed
/// more messages since the last one we read than the ratchet may skip.
fn is_out_of_reach<E>(error: &ProcessMessageError<E>, past: bool) -> bool
where
    E: std::error::Error,
{
    use openmls::framing::errors::MessageDecryptionError::SecretTreeError;
    match error {
        ProcessMessageError::ValidationError(ValidationError::NoPastEpochData) => past,
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(SecretTreeError(error))) => {
            let why = format!("{error:?}");
            why == "TooDistantInTheFuture" || (past && why == "TooDistantInThePast")
        }
        _ => false,
    }
}

/// version ‖ seq ‖ 1 if for one member, else 0 ‖ that member (zeros if none) ‖ batch. The length is the same in
/// both cases.
fn encode(seq: u64, to: Option<PeerId>, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut plain = vec![VERSION];
    plain.extend(seq.to_be_bytes());
    plain.push(to.is_some().into());
    plain.extend(to.map_or([0; 32], |to| *to.as_bytes()));
    plain.extend(batch::encode(messages));
    plain
}

fn decode(from: PeerId, epoch: u64, plain: &[u8]) -> Result<GroupOpened, GroupError> {
    let (seq, to, batch) = header(plain).ok_or(GroupFault::Plaintext)?;
    let messages = batch::split(batch).map_err(PeerFault::from)?;
    let messages = messages.into_iter().map(Message::decode).collect();
    Ok(GroupOpened { from, epoch, seq, to, messages })
}

fn header(mut plain: &[u8]) -> Option<(u64, Option<PeerId>, &[u8])> {
    let rest = &mut plain;
    let [VERSION] = chunk(rest)? else {
        return None;
    };
    let seq = number(rest)?;
    let [named] = chunk(rest)?;
    let to = peer(rest)?;
    let to = match named {
        0 if *to.as_bytes() == [0; 32] => None,
        1 => Some(to),
        _ => return None,
    };
    Some((seq, to, plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_decoded_header_equals_the_encoded_one() {
        let peer = PeerId::from_bytes([7; 32]);
        for to in [None, Some(peer)] {
            let plain = encode(9, to, &[b"{}".to_vec()]);
            let (seq, read, batch) = header(&plain).unwrap();
            assert_eq!((seq, read), (9, to));
            assert_eq!(batch::split(batch), Ok(vec![&b"{}"[..]]));
            assert_eq!(plain.len(), 42 + batch::size(&[b"{}".to_vec()]));
        }
        let mut both = encode(9, None, &[]);
        both[20] = 1;
        assert!(header(&both).is_none() && header(&both[..41]).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            if let Some((seq, to, batch)) = header(&bytes) {
                prop_assert_eq!(encode(seq, to, &[])[..42].to_vec(), bytes[..42].to_vec());
                prop_assert_eq!(batch, &bytes[42..]);
            }
        }
    }
}

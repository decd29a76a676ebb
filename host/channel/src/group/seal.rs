use coworker_policy::PeerId;
use openmls::framing::{ContentType, ProcessedMessageContent, Sender};
use openmls::group::{ProcessMessageError, ValidationError};

use super::bytes::{chunk, number, peer};
use super::error::{GroupError, GroupFault, GroupRefusal};
use super::ledger::{Held, Ledger};
use super::{Group, Tools, ledger_failed};
use crate::batch;
use crate::certificate;
use crate::error::{ChannelError, PeerFault};
use crate::message::{BadMessage, Message};
use crate::parameters::{GROUP_PAST_EPOCHS, Provider, Storage};
use crate::session::checks::{bytes, check_batch, failed, message_failed};

/// Most bytes in one batch to a group, its length prefixes included. Sealed and in base64 it fits a message.
pub const MAX_GROUP_BATCH: usize = 2 * 1024 * 1024;
/// Largest sealed message to a group, in bytes.
pub const MAX_SEALED: usize = MAX_GROUP_BATCH + 4096;
/// Most messages of future epochs that are held for a group.
pub const MAX_HELD: usize = 512;
/// Most of them that one peer may have delivered.
pub const MAX_HELD_VIA: usize = 64;

/// How far ahead of us a message's epoch can be: one from further away is not waited for.
const MAX_AHEAD: u64 = 1024;
const VERSION: u8 = 1;

/// What one member sealed to the group.
#[derive(Debug)]
pub struct GroupOpened {
    from: PeerId,
    epoch: u64,
    seq: u64,
    to: Option<PeerId>,
    messages: Vec<Result<Message, BadMessage>>,
}

/// What became of a sealed message.
#[derive(Debug)]
pub enum Received {
    Opened(GroupOpened),
    /// It is from an epoch that we have not reached; [`Group::apply`] opens it when we do.
    Held,
    /// It is from an epoch that we have no keys of any more, never had, or will not wait for, or too many of its
    /// author's messages lie between it and the last that we read: who wrote it has to seal it again.
    Unreadable,
}

impl GroupOpened {
    /// The sender, as MLS authenticated it.
    pub fn from(&self) -> PeerId {
        self.from
    }

    /// The epoch that it was sealed in.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The sender's number for it, with which it can be ordered, and known if it comes twice.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whom it is for; everyone if nobody is named. All members can read it.
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
    /// Seals 1 to 64 encoded messages for all members, meant for `to` or for everyone. `seq` counts what we
    /// sealed to this group; the same batch sealed again, for whoever could not read it, keeps its number.
    pub fn seal<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        seq: u64,
        to: Option<PeerId>,
        batch: &[Vec<u8>],
    ) -> Result<Vec<u8>, GroupError> {
        self.active()?;
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
            .create_message(&Provider::new(tools.storage), tools.member, &encode(seq, to, batch))
            .map_err(failed("seal a message to a group"))?;
        Ok(bytes(&sealed)?)
    }

    /// Opens what a member sealed, whoever delivered it (`via`). A message opens once.
    pub fn open<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
        via: PeerId,
        sealed: &[u8],
    ) -> Result<Received, GroupError> {
        self.active()?;
        let message = self.private(sealed, MAX_SEALED)?;
        if message.content_type() != ContentType::Application {
            return Err(PeerFault::NotApplication.into());
        }
        let (epoch, ours) = (message.epoch().as_u64(), self.epoch());
        if epoch > ours {
            return self.hold(tools, &Held { epoch, via, sealed: sealed.to_vec() });
        }
        // At most this many, so the difference fits.
        if ours - epoch > GROUP_PAST_EPOCHS as u64 {
            return Ok(Received::Unreadable);
        }
        let processed = match self.mls.process_message(&Provider::new(tools.storage), message) {
            Ok(processed) => processed,
            Err(error) if is_out_of_reach(&error, epoch < ours) => return Ok(Received::Unreadable),
            Err(error) => return Err(message_failed(error).into()),
        };
        let Sender::Member(_) = processed.sender() else {
            return Err(GroupFault::Sender.into());
        };
        // The credential was checked when its leaf came into the group, and MLS has checked the signature.
        let from = certificate::claimed(processed.credential())?;
        let ProcessedMessageContent::ApplicationMessage(plain) = processed.into_content() else {
            return Err(PeerFault::NotApplication.into());
        };
        Ok(Received::Opened(decode(from, epoch, &plain.into_bytes())?))
    }

    /// Nobody can tell yet who wrote this, or whether it is one of ours at all: a peer may fill its own share.
    fn hold<S: Storage, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        held: &Held,
    ) -> Result<Received, GroupError> {
        let (all, via) = tools.ledger.held(self.id, held.via).map_err(ledger_failed)?;
        if held.epoch - self.epoch() > MAX_AHEAD || all >= MAX_HELD || via >= MAX_HELD_VIA {
            return Ok(Received::Unreadable);
        }
        tools.ledger.hold(self.id, held).map_err(ledger_failed)?;
        Ok(Received::Held)
    }

    /// What was held for the epoch that we have just reached.
    pub(super) fn released<S: Storage, L: Ledger>(
        &mut self,
        tools: &Tools<'_, S, L>,
    ) -> Result<Vec<Result<GroupOpened, GroupError>>, GroupError> {
        let held = tools.ledger.release(self.id, self.epoch()).map_err(ledger_failed)?;
        let mut opened = Vec::with_capacity(held.len());
        for held in held {
            match self.open(tools, held.via, &held.sealed) {
                Ok(Received::Opened(message)) => opened.push(Ok(message)),
                Ok(Received::Held | Received::Unreadable) => {}
                // Our own storage failed: the caller rolls back, and it is held again.
                Err(error) if !error.is_peer_fault() => return Err(error),
                Err(error) => opened.push(Err(error)),
            }
        }
        Ok(opened)
    }
}

/// Whether we have no key of a message: its epoch is from before we joined, or its author sealed more since the
/// last one that we read than we follow at once.
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

/// Version ‖ seq ‖ whether for one ‖ whom (zeros if everyone) ‖ batch: the same length for one and for all.
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
    fn the_header_survives_the_way() {
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

//! Mail: messages wait in the outbox, leave as sealed batches, and are deleted once acknowledged.
//!
//! Batches of one session and direction are numbered from 1. The receiver takes them in order, each once; an
//! acknowledgement names the last one that it committed, so a lost connection costs a resend, never a message.

use coworker_channel::{Frame, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE, Message, Opened, SessionId};
use coworker_policy::{PeerId, RequestId};

use super::{StateError, Transaction};

/// Sealed batches without acknowledgement, at most. Further mail waits unsealed, which bounds a resend.
const WINDOW: u64 = 64;
/// Bytes of them, without the last one. All are sent again at once on a new connection, and a connection with more than
/// 64 MiB to be written is cut off: a larger resend would never get through.
const WINDOW_BYTES: usize = 32 << 20;
/// Ephemeral messages leave half of both bounds to mail that must arrive.
const EPHEMERAL_WINDOW: u64 = WINDOW / 2;
const EPHEMERAL_BYTES: usize = WINDOW_BYTES / 2;
/// Bytes of messages in one batch, which keeps a length beside each.
const ROOM: usize = MAX_BATCH_BYTES - 8 * MAX_BATCH_MESSAGES;

/// The fate of messages that are sent now or not at all.
pub(crate) enum Ephemeral {
    /// They are on their way, or the peer is not connected.
    Taken,
    /// The peer has not taken earlier messages. Returns these for another attempt.
    NoRoom(Vec<Vec<u8>>),
}

impl Transaction<'_> {
    /// Puts a message into the peer's outbox. It leaves with the commit if the peer is connected.
    pub(crate) fn post(&mut self, peer: PeerId, message: &Message) -> Result<(), StateError> {
        self.post_encoded(peer, message.id(), &message.encode())
    }

    /// Puts a message into the outbox that is not urgent: it leaves with the next urgent one, or when the mail is sent.
    pub(crate) fn post_along(&mut self, peer: PeerId, message: &Message) -> Result<(), StateError> {
        self.store.enqueue(peer, &message.encode(), None, self.now)?;
        Ok(())
    }

    /// Has all mail for the peer leave with the commit, if it is connected.
    pub(crate) fn send_mail(&mut self, peer: PeerId) {
        self.due.mail.insert(peer);
    }

    /// Puts an encoded message into the outbox. A message too large to be sealed would stop all mail behind it, so it is
    /// refused here.
    pub(crate) fn post_encoded(
        &mut self,
        peer: PeerId,
        id: Option<RequestId>,
        body: &[u8],
    ) -> Result<(), StateError> {
        if body.len() > MAX_MESSAGE {
            return Err(StateError::TooLarge);
        }
        self.store.enqueue(peer, body, id, self.now)?;
        self.due.mail.insert(peer);
        Ok(())
    }

    /// Sends messages that are useless later, so they never wait in the outbox. Once sealed they are as safe as others,
    /// because the peer would miss their number.
    pub(crate) fn post_ephemeral(
        &mut self,
        peer: PeerId,
        messages: Vec<Vec<u8>>,
    ) -> Result<Ephemeral, StateError> {
        let Some(row) = self.store.session(peer)?.filter(|_| self.is_linked(peer)) else {
            return Ok(Ephemeral::Taken);
        };
        let unread = self.store.sealed_bytes(peer)?;
        let due = self.due.ephemeral.entry(peer).or_default();
        let batches = due.len().div_ceil(MAX_BATCH_MESSAGES) as u64;
        let bytes = unread + due.iter().map(Vec::len).sum::<usize>();
        if row.sent.saturating_sub(row.acked) + batches >= EPHEMERAL_WINDOW || bytes >= EPHEMERAL_BYTES {
            return Ok(Ephemeral::NoRoom(messages));
        }
        due.extend(messages);
        self.due.mail.insert(peer);
        Ok(Ephemeral::Taken)
    }

    /// Takes a sealed batch, in order and each once. Returns `None` for a batch that was seen before or whose session is
    /// gone. The acknowledgement leaves after the commit.
    pub(crate) fn receive(
        &mut self,
        peer: PeerId,
        session: SessionId,
        seq: u64,
        sealed: &[u8],
    ) -> Result<Option<Opened>, StateError> {
        let row = self.store.session(peer)?.ok_or(StateError::NoSession)?;
        if row.id != *session.as_bytes() {
            return Ok(None);
        }
        if seq <= row.received {
            self.acknowledge(peer, session, row.received);
            return Ok(None);
        }
        if seq != row.received + 1 {
            return Err(StateError::Gap);
        }
        let opened = self.open_batch(peer, seq, sealed)?;
        self.store.set_received(peer, seq)?;
        self.acknowledge(peer, session, seq);
        Ok(Some(opened))
    }

    /// The peer has committed everything up to `seq`.
    pub(crate) fn acknowledged(
        &mut self,
        peer: PeerId,
        session: SessionId,
        seq: u64,
    ) -> Result<(), StateError> {
        let Some(row) = self.store.session(peer)? else { return Ok(()) };
        // An acknowledgement of a batch that was never sent, or of another session, is ignored.
        if row.id == *session.as_bytes() && seq <= row.sent {
            self.store.acked(peer, seq)?;
            self.due.mail.insert(peer);
        }
        Ok(())
    }

    fn acknowledge(&mut self, peer: PeerId, session: SessionId, seq: u64) {
        if let Some(line) = self.memory.links.get(&peer).and_then(|links| links.last()) {
            self.due.frames.push((line.sender.clone(), Frame::Ack { session, seq }));
        }
    }

    /// Seals the mail for connected peers, one MLS message per peer.
    pub(super) fn seal_mail(&mut self) {
        for peer in std::mem::take(&mut self.due.mail) {
            let ephemeral = self.due.ephemeral.remove(&peer).unwrap_or_default();
            let current = self.memory.links.get(&peer).and_then(|links| links.last());
            let Some(link) = current.map(|line| line.sender.clone()) else { continue };
            // One peer's broken session must not undo the work for others.
            match self.savepoint(|tx| tx.seal_for(peer, ephemeral)) {
                Ok(frames) => self.due.frames.extend(frames.into_iter().map(|frame| (link.clone(), frame))),
                Err(error) => {
                    tracing::error!(%peer, %error, "cannot seal; the connection is dropped");
                    link.close("internal");
                }
            }
        }
    }

    fn seal_for(&mut self, peer: PeerId, ephemeral: Vec<Vec<u8>>) -> Result<Vec<Frame>, StateError> {
        let Some(row) = self.store.session(peer)? else { return Ok(Vec::new()) };
        let session = SessionId::from_bytes(row.id);
        let mut frames = Vec::new();
        // Parts of an output go before the answer, which may be in the outbox already.
        let mut ephemeral = batches(ephemeral).into_iter();
        let mut unread = self.store.sealed_bytes(peer)?;
        for seq in row.sent + 1..=row.acked + WINDOW {
            let (ids, batch): (Vec<i64>, Vec<Vec<u8>>) = match ephemeral.next() {
                Some(batch) => (Vec::new(), batch),
                None if unread >= WINDOW_BYTES => break,
                None => self.store.unsealed(peer, MAX_BATCH_MESSAGES, ROOM)?.into_iter().unzip(),
            };
            if batch.is_empty() {
                break;
            }
            let ciphertext = self.seal_batch(peer, seq, &batch)?;
            self.store.seal(peer, seq, &ids, &ciphertext)?;
            unread += ciphertext.len();
            frames.push(Frame::Sealed { session, seq, ciphertext });
        }
        Ok(frames)
    }

    fn seal_batch(&mut self, peer: PeerId, seq: u64, batch: &[Vec<u8>]) -> Result<Vec<u8>, StateError> {
        self.load_session(peer)?;
        let session = self.memory.sessions.get_mut(&peer).ok_or(StateError::NoSession)?;
        Ok(session.seal(&self.memory.member, &self.store.mls(), seq, batch)?)
    }

    fn open_batch(&mut self, peer: PeerId, seq: u64, sealed: &[u8]) -> Result<Opened, StateError> {
        self.load_session(peer)?;
        let session = self.memory.sessions.get_mut(&peer).ok_or(StateError::NoSession)?;
        Ok(session.open(&self.store.mls(), seq, sealed)?)
    }
}

/// Groups the messages in order, as many as one batch may have.
fn batches(messages: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    let mut batches: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut left = 0;
    for message in messages {
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_BATCH_MESSAGES && message.len() <= left => {
                left -= message.len();
                batch.push(message);
            }
            _ => {
                left = ROOM.saturating_sub(message.len());
                batches.push(vec![message]);
            }
        }
    }
    batches
}

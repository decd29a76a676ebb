//! Messages on their way to a peer: waiting, then sealed into a numbered ciphertext, then acknowledged.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

impl Tx<'_> {
    /// Adds a message at the end of the peer's queue; returns its id. `tag` is the request's id, by which
    /// the message can be withdrawn.
    pub fn enqueue(
        &self,
        peer: PeerId,
        body: &[u8],
        tag: Option<RequestId>,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        self.run(
            "INSERT INTO outbox (peer, tag, body, at_ms) VALUES (?1, ?2, ?3, ?4)",
            params![peer.to_string(), tag.map(|tag| tag.to_string()), body, now_ms],
        )?;
        Ok(self.connection().last_insert_rowid())
    }

    /// The oldest waiting messages, at most `max_count` of at most `max_bytes` together; a first message
    /// that is larger comes alone, so that it cannot block the queue.
    pub fn unsealed(
        &self,
        peer: PeerId,
        max_count: usize,
        max_bytes: usize,
    ) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let sql = "SELECT id, body FROM outbox WHERE peer = ?1 AND seq IS NULL ORDER BY id LIMIT ?2";
        let mut messages = Vec::new();
        let mut left = max_bytes;
        self.each(sql, params![peer.to_string(), saturated(max_count)], |cells| {
            let body: Vec<u8> = cells.get("body")?;
            let fits = body.len() <= left;
            if fits || messages.is_empty() {
                left = left.saturating_sub(body.len());
                messages.push((cells.get("id")?, body));
            }
            Ok(fits)
        })?;
        Ok(messages)
    }

    /// Keeps the ciphertext `seq` that carries the messages `ids`, until it is acknowledged.
    ///
    /// `seq` must follow the session's last one, and the messages must be the peer's and waiting: a
    /// generation of the ratchet is never used twice.
    pub fn seal(&self, peer: PeerId, seq: u64, ids: &[i64], ciphertext: &[u8]) -> Result<(), StoreError> {
        let (name, number) = (peer.to_string(), saturated(seq));
        let next = "UPDATE sessions SET sent = ?2 WHERE peer = ?1 AND sent = ?2 - 1";
        if self.run(next, params![name, number])? == 0 {
            return Err(StoreError::OutOfStep { peer, seq });
        }
        self.run(
            "INSERT INTO sealed (peer, seq, ciphertext) VALUES (?1, ?2, ?3)",
            params![name, number, ciphertext],
        )?;
        let assign = "UPDATE outbox SET seq = ?2 WHERE id = ?3 AND peer = ?1 AND seq IS NULL";
        ids.iter().try_for_each(|id| match self.run(assign, params![name, number, id])? {
            0 => Err(StoreError::NotWaiting { id: *id }),
            _ => Ok(()),
        })
    }

    /// The ciphertexts after `seq` that were not acknowledged, in order.
    pub fn sealed_after(&self, peer: PeerId, seq: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.sealed_after_up_to(peer, seq, usize::MAX)
    }

    /// As [`Tx::sealed_after`], at most `limit` of them.
    pub fn sealed_after_up_to(
        &self,
        peer: PeerId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.all(
            "SELECT seq, ciphertext FROM sealed WHERE peer = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            params![peer.to_string(), saturated(seq), saturated(limit)],
            |cells| Ok((cells.get("seq")?, cells.get("ciphertext")?)),
        )
    }

    /// How many bytes of ciphertexts the peer has not acknowledged.
    pub fn sealed_bytes(&self, peer: PeerId) -> Result<usize, StoreError> {
        let sql = "SELECT coalesce(sum(length(ciphertext)), 0) AS count FROM sealed WHERE peer = ?1";
        self.count(sql, [peer.to_string()])
    }

    /// The peer has everything up to `seq`: those ciphertexts and their messages are deleted.
    pub fn acked(&self, peer: PeerId, seq: u64) -> Result<(), StoreError> {
        let (peer, seq) = (peer.to_string(), saturated(seq));
        self.run("DELETE FROM outbox WHERE peer = ?1 AND seq <= ?2", params![peer, seq])?;
        self.run("DELETE FROM sealed WHERE peer = ?1 AND seq <= ?2", params![peer, seq])?;
        let note = "UPDATE sessions SET acked = max(acked, min(sent, ?2)) WHERE peer = ?1";
        self.run(note, params![peer, seq])?;
        Ok(())
    }

    /// Deletes the messages with this tag that were never sealed. False if there was none.
    pub fn withdraw(&self, peer: PeerId, tag: RequestId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM outbox WHERE peer = ?1 AND tag = ?2 AND seq IS NULL";
        Ok(self.run(sql, [peer.to_string(), tag.to_string()])? > 0)
    }

    /// How many messages to the peer wait or are not acknowledged.
    pub fn queued(&self, peer: PeerId) -> Result<usize, StoreError> {
        self.count("SELECT count(*) AS count FROM outbox WHERE peer = ?1", [peer.to_string()])
    }

    /// Whether a message with this tag waits for the peer or is not acknowledged.
    pub fn is_queued(&self, peer: PeerId, tag: RequestId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE peer = ?1 AND tag = ?2) AS count";
        Ok(self.count(sql, [peer.to_string(), tag.to_string()])? > 0)
    }

    /// Deletes what was queued before `before_ms` and never sealed; returns how many. A sealed message
    /// stays, because the peer would miss its number; and what belongs to a request that was to be open
    /// longer than that stays as long as the request.
    pub fn expire_outbox(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run(
            "DELETE FROM outbox WHERE at_ms < ?1 AND seq IS NULL
                 AND NOT EXISTS (SELECT 1 FROM outbound AS asked
                     WHERE asked.id = outbox.tag AND asked.state = 'waiting' AND asked.expires_ms >= ?1)
                 AND NOT EXISTS (SELECT 1 FROM inbound AS served
                     WHERE served.peer = outbox.peer AND served.id = outbox.tag AND served.expires_ms >= ?1)",
            [before_ms],
        )
    }

    /// True if something waits for the peer or is not acknowledged.
    pub fn has_mail(&self, peer: PeerId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE peer = ?1)
                       OR EXISTS (SELECT 1 FROM sealed WHERE peer = ?1) AS count";
        Ok(self.count(sql, [peer.to_string()])? > 0)
    }

    /// Everyone for whom something waits or is not acknowledged.
    pub fn peers_with_mail(&self) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT peer FROM outbox UNION SELECT peer FROM sealed ORDER BY peer";
        self.all(sql, [], |cells| cells.parsed("peer"))
    }
}

//! Messages to a peer. Each waits, is sealed into a numbered ciphertext, and is deleted once acknowledged.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

impl Tx<'_> {
    /// Appends a message to the peer's queue and returns its number. `tag` is the id of the request that it belongs
    /// to; [`Tx::withdraw`] finds it by that.
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

    /// Returns the oldest waiting messages, at most `max_count` of them and at most `max_bytes` together. A first
    /// message that is larger is returned alone, so that it cannot block the queue.
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

    /// Stores the ciphertext `seq`, which carries the messages `ids`, until it is acknowledged.
    ///
    /// `seq` must be the session's next number, and the messages must be waiting for this peer: a generation of
    /// the ratchet must never be used twice.
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

    /// Returns the unacknowledged ciphertexts after `seq`, in order.
    pub fn sealed_after(&self, peer: PeerId, seq: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.sealed_after_up_to(peer, seq, usize::MAX)
    }

    /// Returns the same as [`Tx::sealed_after`], at most `limit` of them.
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

    /// Returns the size of the unacknowledged ciphertexts, in bytes.
    pub fn sealed_bytes(&self, peer: PeerId) -> Result<usize, StoreError> {
        let sql = "SELECT coalesce(sum(length(ciphertext)), 0) AS count FROM sealed WHERE peer = ?1";
        self.count(sql, [peer.to_string()])
    }

    /// Deletes the ciphertexts up to `seq`, which the peer acknowledged, and their messages.
    pub fn acked(&self, peer: PeerId, seq: u64) -> Result<(), StoreError> {
        let (peer, seq) = (peer.to_string(), saturated(seq));
        self.run("DELETE FROM outbox WHERE peer = ?1 AND seq <= ?2", params![peer, seq])?;
        self.run("DELETE FROM sealed WHERE peer = ?1 AND seq <= ?2", params![peer, seq])?;
        let note = "UPDATE sessions SET acked = max(acked, min(sent, ?2)) WHERE peer = ?1";
        self.run(note, params![peer, seq])?;
        Ok(())
    }

    /// Deletes the messages with this tag that were never sealed. Returns false if there were none.
    pub fn withdraw(&self, peer: PeerId, tag: RequestId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM outbox WHERE peer = ?1 AND tag = ?2 AND seq IS NULL";
        Ok(self.run(sql, [peer.to_string(), tag.to_string()])? > 0)
    }

    /// Returns the number of messages to the peer that wait or are unacknowledged.
    pub fn queued(&self, peer: PeerId) -> Result<usize, StoreError> {
        self.count("SELECT count(*) AS count FROM outbox WHERE peer = ?1", [peer.to_string()])
    }

    /// Returns true if a message with this tag waits or is unacknowledged.
    pub fn is_queued(&self, peer: PeerId, tag: RequestId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE peer = ?1 AND tag = ?2) AS count";
        Ok(self.count(sql, [peer.to_string(), tag.to_string()])? > 0)
    }

    /// Deletes messages that were queued before `before_ms` and never sealed, and returns how many. A sealed message
    /// stays, because the peer would notice a gap in the numbers. A message of a request that was still open at
    /// `before_ms` stays as long as the request.
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

    /// Returns true if a message or ciphertext for the peer waits or is unacknowledged.
    pub fn has_mail(&self, peer: PeerId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE peer = ?1)
                       OR EXISTS (SELECT 1 FROM sealed WHERE peer = ?1) AS count";
        Ok(self.count(sql, [peer.to_string()])? > 0)
    }

    /// Returns the peers for which [`Tx::has_mail`] is true.
    pub fn peers_with_mail(&self) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT peer FROM outbox UNION SELECT peer FROM sealed ORDER BY peer";
        self.all(sql, [], |cells| cells.parsed("peer"))
    }
}

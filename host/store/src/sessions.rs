use coworker_policy::PeerId;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// The MLS session with a peer. A peer has at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub peer: PeerId,
    /// The MLS group's id.
    pub id: [u8; 32],
    /// Last sequence number that we sealed; 0 before the first.
    pub sent: u64,
    /// Last sequence number that we opened; 0 before the first.
    pub received: u64,
    /// Last sequence number that the peer acknowledged; 0 before the first.
    pub acked: u64,
}

impl Tx<'_> {
    pub fn session(&self, peer: PeerId) -> Result<Option<SessionRow>, StoreError> {
        self.one("SELECT * FROM sessions WHERE peer = ?1", [peer.to_string()], session)
    }

    /// Replaces the peer's session. Ciphertexts of the old session are unreadable in the new one, so they are
    /// deleted, and their messages wait again in their old order.
    pub fn put_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        let peer = session.peer.to_string();
        self.run("UPDATE outbox SET seq = NULL WHERE peer = ?1 AND seq IS NOT NULL", [&peer])?;
        self.run("DELETE FROM sealed WHERE peer = ?1", [&peer])?;
        self.run(
            "INSERT INTO sessions (peer, id, sent, acked, received) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (peer) DO UPDATE SET id = excluded.id, sent = excluded.sent, acked = excluded.acked,
                 received = excluded.received",
            params![
                peer,
                session.id,
                saturated(session.sent),
                saturated(session.acked),
                saturated(session.received),
            ],
        )?;
        Ok(())
    }

    /// Notes that `seq` was opened. The stored number never decreases within a session.
    pub fn set_received(&self, peer: PeerId, seq: u64) -> Result<(), StoreError> {
        self.run(
            "UPDATE sessions SET received = max(received, ?2) WHERE peer = ?1",
            params![peer.to_string(), saturated(seq)],
        )?;
        Ok(())
    }
}

fn session(cells: &Cells<'_, '_>) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        peer: cells.parsed("peer")?,
        id: cells.get("id")?,
        sent: cells.get("sent")?,
        acked: cells.get("acked")?,
        received: cells.get("received")?,
    })
}

use coworker_policy::{AgentName, PeerId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, list, saturated};
use crate::store::Tx;

/// An agent that we know how to name and perhaps how to reach. Says nothing about trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub id: PeerId,
    /// What it calls itself: a claim, and not unique.
    pub name: Option<AgentName>,
    pub relay: Option<String>,
    pub addresses: Vec<String>,
    /// The owner connected to it, rather than it to us.
    pub chosen: bool,
    pub added_ms: i64,
    pub seen_ms: Option<i64>,
}

/// Who may be reached directly, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectRow {
    pub peer: PeerId,
    /// The owner connected to it, and has said nothing about it since.
    pub unjudged_choice: bool,
    /// What it told us, as it was [kept](Tx::keep_direct).
    pub direct: Option<String>,
}

/// Shorter prefixes of an id are not looked up: they match by accident.
const MIN_PREFIX: usize = 4;

impl Tx<'_> {
    /// Adds a peer, or updates the one that is there: `added_ms` stays, and so does what `peer` leaves
    /// empty. Who was chosen once stays chosen.
    pub fn add_peer(&self, peer: &Peer) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO peers (id, name, relay, addresses, chosen, added_ms, seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET
                 name = coalesce(excluded.name, name),
                 relay = coalesce(excluded.relay, relay),
                 addresses = iif(excluded.addresses = '[]', addresses, excluded.addresses),
                 chosen = max(chosen, excluded.chosen),
                 seen_ms = coalesce(excluded.seen_ms, seen_ms)",
            params![
                peer.id.to_string(),
                peer.name.as_ref().map(AgentName::as_str),
                peer.relay,
                list(&peer.addresses),
                peer.chosen,
                peer.added_ms,
                peer.seen_ms,
            ],
        )?;
        Ok(())
    }

    pub fn peer(&self, id: PeerId) -> Result<Option<Peer>, StoreError> {
        self.one("SELECT * FROM peers WHERE id = ?1", [id.to_string()], peer)
    }

    /// In the order in which they were added.
    pub fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        self.all("SELECT * FROM peers ORDER BY added_ms, id", [], peer)
    }

    /// Peers with this name (letters A to Z in either case) or whose id begins with this text, if it has
    /// at least 4 characters.
    pub fn peers_like(&self, text: &str) -> Result<Vec<Peer>, StoreError> {
        let prefix = (text.len() >= MIN_PREFIX).then(|| begins_with(text));
        self.all(
            "SELECT * FROM peers WHERE name = ?1 COLLATE NOCASE OR id LIKE ?2 ESCAPE '\\' ORDER BY added_ms, id",
            params![text, prefix],
            peer,
        )
    }

    pub fn peer_seen(&self, id: PeerId, now_ms: i64) -> Result<(), StoreError> {
        self.run("UPDATE peers SET seen_ms = ?2 WHERE id = ?1", params![id.to_string(), now_ms])?;
        Ok(())
    }

    /// Peers that the owner neither chose nor decided about, and that no group is shared with, without the
    /// `keep` that were seen last.
    pub fn strangers_beyond(&self, keep: usize) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT id FROM peers WHERE chosen = 0 AND id NOT IN (SELECT peer FROM trust)
                       AND id NOT IN (SELECT peer FROM group_members)
                   ORDER BY coalesce(seen_ms, added_ms) DESC, id LIMIT -1 OFFSET ?1";
        self.all(sql, [saturated(keep)], |cells| cells.parsed("id"))
    }

    /// Forgets a peer, its session, its mail and what it asked for. The audit log keeps its rows.
    pub fn forget_peer(&self, id: PeerId) -> Result<(), StoreError> {
        let id = id.to_string();
        for sql in [
            "DELETE FROM outbox WHERE peer = ?1",
            "DELETE FROM sealed WHERE peer = ?1",
            "DELETE FROM sessions WHERE peer = ?1",
            "DELETE FROM inbound WHERE peer = ?1",
            "DELETE FROM trust_requests WHERE peer = ?1",
            "DELETE FROM shown_cards WHERE peer = ?1",
            "DELETE FROM peers WHERE id = ?1",
        ] {
            self.run(sql, [&id])?;
        }
        Ok(())
    }

    /// Keeps how a peer is reached directly; `None` forgets it.
    pub fn keep_direct(&self, id: PeerId, direct: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE peers SET direct = ?2 WHERE id = ?1", params![id.to_string(), direct])?;
        Ok(())
    }

    /// `None` for a peer that was never met.
    pub fn direct(&self, id: PeerId) -> Result<Option<DirectRow>, StoreError> {
        let sql = format!("{DIRECT} WHERE id = ?1");
        self.one(&sql, [id.to_string()], direct)
    }

    /// Of all peers that told how they are reached directly.
    pub fn all_direct(&self) -> Result<Vec<DirectRow>, StoreError> {
        let sql = format!("{DIRECT} WHERE direct IS NOT NULL ORDER BY id");
        self.all(&sql, [], direct)
    }

    pub fn name_peer(&self, id: PeerId, name: &AgentName) -> Result<(), StoreError> {
        self.run("UPDATE peers SET name = ?2 WHERE id = ?1", params![id.to_string(), name.as_str()])?;
        Ok(())
    }

    pub fn set_peer_addresses(&self, id: PeerId, addresses: &[String]) -> Result<(), StoreError> {
        self.run("UPDATE peers SET addresses = ?2 WHERE id = ?1", params![id.to_string(), list(addresses)])?;
        Ok(())
    }
}

const DIRECT: &str =
    "SELECT id, chosen = 1 AND id NOT IN (SELECT peer FROM trust) AS unjudged_choice, direct FROM peers";

fn direct(cells: &Cells<'_, '_>) -> Result<DirectRow, StoreError> {
    Ok(DirectRow {
        peer: cells.parsed("id")?,
        unjudged_choice: cells.get("unjudged_choice")?,
        direct: cells.get("direct")?,
    })
}

/// A LIKE pattern in which `text` means itself, `%` and `_` included.
fn begins_with(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn peer(cells: &Cells<'_, '_>) -> Result<Peer, StoreError> {
    Ok(Peer {
        id: cells.parsed("id")?,
        name: cells.parsed_if_any("name")?,
        relay: cells.get("relay")?,
        addresses: cells.json("addresses")?,
        chosen: cells.get("chosen")?,
        added_ms: cells.get("added_ms")?,
        seen_ms: cells.get("seen_ms")?,
    })
}

use coworker_policy::{AgentName, PeerId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, list, saturated};
use crate::store::Tx;

/// An agent with its name and addresses, as far as they are known. Says nothing about trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub id: PeerId,
    /// The name that the peer claims. Not unique.
    pub name: Option<AgentName>,
    pub relay: Option<String>,
    pub addresses: Vec<String>,
    /// True if the owner connected to the peer, false if only the peer connected to us.
    pub chosen: bool,
    pub added_ms: i64,
    pub seen_ms: Option<i64>,
}

/// The direct addresses of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectRow {
    pub peer: PeerId,
    /// The owner connected to the peer and has not decided about its trust since.
    pub unjudged_choice: bool,
    /// The card that the peer sent, as [`Tx::keep_direct`] stored it.
    pub direct: Option<String>,
}

/// Shorter prefixes of an id are not looked up, because they match by accident.
const MIN_PREFIX: usize = 4;

impl Tx<'_> {
    /// Adds a peer or updates its row. An update keeps `added_ms` and every field that `peer` leaves empty, and
    /// never resets `chosen`.
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

    /// Returns all peers in the order in which they were added.
    pub fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        self.all("SELECT * FROM peers ORDER BY added_ms, id", [], peer)
    }

    /// Returns the peers with this name (ignoring ASCII case), and those whose id begins with `text` if it has at
    /// least 4 characters.
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

    /// Returns strangers, except for the `keep` that were seen last. A stranger is a peer that the owner neither
    /// connected to nor decided about, and that shares no group with us.
    pub fn strangers_beyond(&self, keep: usize) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT id FROM peers WHERE chosen = 0 AND id NOT IN (SELECT peer FROM trust)
                       AND id NOT IN (SELECT peer FROM group_members)
                   ORDER BY coalesce(seen_ms, added_ms) DESC, id LIMIT -1 OFFSET ?1";
        self.all(sql, [saturated(keep)], |cells| cells.parsed("id"))
    }

    /// Deletes a peer with its session, mail, calls and trust request. Its rows in the audit log stay.
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

    /// Stores the card with the peer's direct addresses, or deletes it if `None`.
    pub fn keep_direct(&self, id: PeerId, direct: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE peers SET direct = ?2 WHERE id = ?1", params![id.to_string(), direct])?;
        Ok(())
    }

    /// Returns `None` for an unknown peer.
    pub fn direct(&self, id: PeerId) -> Result<Option<DirectRow>, StoreError> {
        let sql = format!("{DIRECT} WHERE id = ?1");
        self.one(&sql, [id.to_string()], direct)
    }

    /// Returns the rows of all peers that sent a card.
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

/// Makes a LIKE pattern that matches texts that begin with `text`, taking `%` and `_` literally.
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

//! Cache of the skill cards of peers. It saves asking for cards that have not changed, and lists a peer's skills while
//! the peer is offline.

use coworker_policy::{AgentName, Card, Digest, PeerId, list_hash};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// Maximum number of lists. The list that was confirmed longest ago is evicted.
const MAX_LISTS: usize = 256;
/// Maximum size of a stored list, in bytes of JSON: a peer chooses how much it sends.
const MAX_BYTES: usize = 1024 * 1024;

/// The skill cards that a peer showed us.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCards {
    pub peer: PeerId,
    /// The name that the peer claims.
    pub name: AgentName,
    pub cards: Vec<Card>,
    /// When the peer last sent or confirmed the list.
    pub asked_ms: i64,
}

impl ShownCards {
    /// Hash of the whole list.
    pub fn hash(&self) -> Digest {
        list_hash(self.cards.iter().map(Card::hash))
    }
}

impl Tx<'_> {
    /// Replaces the peer's list. Deletes it if the new one is too large.
    pub fn keep_shown(&self, shown: &ShownCards) -> Result<(), StoreError> {
        let cards = serde_json::to_string(&shown.cards).unwrap_or_default();
        if cards.is_empty() || cards.len() > MAX_BYTES {
            return self.forget_shown(shown.peer);
        }
        self.run(
            "INSERT OR REPLACE INTO shown_cards (peer, name, hash, cards, asked_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                shown.peer.to_string(),
                shown.name.as_str(),
                shown.hash().to_string(),
                cards,
                shown.asked_ms
            ],
        )?;
        self.run(
            "DELETE FROM shown_cards WHERE peer NOT IN
                 (SELECT peer FROM shown_cards ORDER BY asked_ms DESC, peer LIMIT ?1)",
            [saturated(MAX_LISTS)],
        )?;
        Ok(())
    }

    /// Notes that the peer confirmed its list.
    pub fn still_shown(&self, peer: PeerId, name: &AgentName, now_ms: i64) -> Result<(), StoreError> {
        let sql = "UPDATE shown_cards SET name = ?2, asked_ms = ?3 WHERE peer = ?1";
        self.run(sql, params![peer.to_string(), name.as_str(), now_ms])?;
        Ok(())
    }

    pub fn shown(&self, peer: PeerId) -> Result<Option<ShownCards>, StoreError> {
        self.one("SELECT * FROM shown_cards WHERE peer = ?1", [peer.to_string()], shown)
    }

    /// Returns the hash of the peer's stored list without reading the list.
    pub fn shown_hash(&self, peer: PeerId) -> Result<Option<Digest>, StoreError> {
        let sql = "SELECT hash FROM shown_cards WHERE peer = ?1";
        self.one(sql, [peer.to_string()], |cells| cells.parsed("hash"))
    }

    pub fn forget_shown(&self, peer: PeerId) -> Result<(), StoreError> {
        self.run("DELETE FROM shown_cards WHERE peer = ?1", [peer.to_string()])?;
        Ok(())
    }
}

fn shown(cells: &Cells<'_, '_>) -> Result<ShownCards, StoreError> {
    Ok(ShownCards {
        peer: cells.parsed("peer")?,
        name: cells.parsed("name")?,
        cards: cells.json("cards")?,
        asked_ms: cells.get("asked_ms")?,
    })
}

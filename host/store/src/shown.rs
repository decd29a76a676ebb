//! What peers showed us of their skills, kept to ask again with one small message and to have something to
//! show while they are away.

use coworker_policy::{AgentName, Card, Digest, PeerId, list_hash};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// Lists kept at most; the one asked for longest ago makes room.
const MAX_LISTS: usize = 256;
/// Largest list that is kept, in bytes of JSON: a peer picks how much it shows.
const MAX_BYTES: usize = 1024 * 1024;

/// What one peer showed us.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub peer: PeerId,
    /// What it calls itself.
    pub name: AgentName,
    pub cards: Vec<Card>,
    /// When it last said that this is so.
    pub asked_ms: i64,
}

impl Shown {
    /// The hash of the whole list.
    pub fn hash(&self) -> Digest {
        list_hash(self.cards.iter().map(Card::hash))
    }
}

impl Tx<'_> {
    /// Keeps what a peer showed in place of what it showed before. Too much is not kept at all.
    pub fn keep_shown(&self, shown: &Shown) -> Result<(), StoreError> {
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

    /// The peer says that nothing changed.
    pub fn still_shown(&self, peer: PeerId, name: &AgentName, now_ms: i64) -> Result<(), StoreError> {
        let sql = "UPDATE shown_cards SET name = ?2, asked_ms = ?3 WHERE peer = ?1";
        self.run(sql, params![peer.to_string(), name.as_str(), now_ms])?;
        Ok(())
    }

    pub fn shown(&self, peer: PeerId) -> Result<Option<Shown>, StoreError> {
        self.one("SELECT * FROM shown_cards WHERE peer = ?1", [peer.to_string()], shown)
    }

    /// The hash of the list that is kept of the peer; the list itself is not read.
    pub fn shown_hash(&self, peer: PeerId) -> Result<Option<Digest>, StoreError> {
        let sql = "SELECT hash FROM shown_cards WHERE peer = ?1";
        self.one(sql, [peer.to_string()], |cells| cells.parsed("hash"))
    }

    pub fn forget_shown(&self, peer: PeerId) -> Result<(), StoreError> {
        self.run("DELETE FROM shown_cards WHERE peer = ?1", [peer.to_string()])?;
        Ok(())
    }
}

fn shown(cells: &Cells<'_, '_>) -> Result<Shown, StoreError> {
    Ok(Shown {
        peer: cells.parsed("peer")?,
        name: cells.parsed("name")?,
        cards: cells.json("cards")?,
        asked_ms: cells.get("asked_ms")?,
    })
}

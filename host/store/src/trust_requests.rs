use coworker_policy::{PeerId, RequestId, Tier};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::Cells;
use crate::store::Tx;

/// A peer's request for a tier that the owner has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRequest {
    pub peer: PeerId,
    pub id: RequestId,
    pub tier: Tier,
    /// The peer's own text.
    pub reason: String,
    pub at_ms: i64,
}

/// Maximum number of stored requests. Strangers can ask, so they must not be able to fill the disk.
const MAX_REQUESTS: i64 = 1_000;

impl Tx<'_> {
    /// Stores a request until the owner answers it, replacing the peer's earlier one. Returns false if requests of
    /// 1,000 other peers are stored already.
    pub fn ask_trust(
        &self,
        peer: PeerId,
        id: RequestId,
        tier: Tier,
        reason: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let kept = self.run(
            "INSERT INTO trust_requests (peer, id, tier, reason, at_ms)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM trust_requests WHERE peer <> ?1) < ?6
             ON CONFLICT (peer) DO UPDATE SET
                 id = excluded.id, tier = excluded.tier, reason = excluded.reason, at_ms = excluded.at_ms",
            params![peer.to_string(), id.to_string(), tier.name(), reason, now_ms, MAX_REQUESTS],
        )?;
        Ok(kept > 0)
    }

    /// Returns all requests, oldest first.
    pub fn trust_requests(&self) -> Result<Vec<TrustRequest>, StoreError> {
        self.all("SELECT * FROM trust_requests ORDER BY at_ms, peer", [], trust_request)
    }

    /// Removes the peer's request and returns it.
    pub fn take_trust_request(&self, peer: PeerId) -> Result<Option<TrustRequest>, StoreError> {
        let peer = peer.to_string();
        let found = self.one("SELECT * FROM trust_requests WHERE peer = ?1", [&peer], trust_request)?;
        self.run("DELETE FROM trust_requests WHERE peer = ?1", [&peer])?;
        Ok(found)
    }
}

fn trust_request(cells: &Cells<'_, '_>) -> Result<TrustRequest, StoreError> {
    Ok(TrustRequest {
        peer: cells.parsed("peer")?,
        id: cells.parsed("id")?,
        tier: cells.parsed("tier")?,
        reason: cells.get("reason")?,
        at_ms: cells.get("at_ms")?,
    })
}

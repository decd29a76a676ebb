//! Receipts of calls, signed by both sides, or by one side so far.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{StateError, states};

states! {
    /// Our role in the call.
    ReceiptRole { Caller = "caller", Provider = "provider" }
}
states! {
    /// A draft has the provider's signature and a complete receipt has both. A disputed receipt is the provider's,
    /// contradicts our own record of the call, and is kept as evidence.
    ReceiptState { Draft = "draft", Complete = "complete", Disputed = "disputed" }
}

/// A receipt. The signed envelope has its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The other side of the call.
    pub peer: PeerId,
    /// The request's id.
    pub id: RequestId,
    pub role: ReceiptRole,
    pub state: ReceiptState,
    pub envelope: Vec<u8>,
    pub at_ms: i64,
}

/// Selects receipts. A field that is `None` does not restrict the selection.
#[derive(Clone, Debug, Default)]
pub struct ReceiptFilter {
    /// At most this many; 0 reads none.
    pub limit: usize,
    pub peer: Option<PeerId>,
    /// The beginning of a request's id, in lower case.
    pub id: Option<String>,
    pub state: Option<ReceiptState>,
    /// Only receipts before this time, for the next page.
    pub before_ms: Option<i64>,
}

impl Tx<'_> {
    /// Stores a receipt. Returns false and changes nothing if the call already has one in this role.
    pub fn add_receipt(&self, receipt: &ReceiptRow) -> Result<bool, StoreError> {
        let added = self.run(
            "INSERT INTO receipts (peer, id, role, state, envelope, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (peer, id, role) DO NOTHING",
            params![
                receipt.peer.to_string(),
                receipt.id.to_string(),
                receipt.role.name(),
                receipt.state.name(),
                receipt.envelope,
                receipt.at_ms,
            ],
        )?;
        Ok(added > 0)
    }

    /// Replaces our draft by the receipt with both signatures. Returns false if there is no draft: a complete
    /// receipt is never replaced.
    pub fn complete_receipt(&self, peer: PeerId, id: RequestId, envelope: &[u8]) -> Result<bool, StoreError> {
        let changed = self.run(
            "UPDATE receipts SET state = 'complete', envelope = ?3
             WHERE peer = ?1 AND id = ?2 AND role = 'provider' AND state = 'draft'",
            params![peer.to_string(), id.to_string(), envelope],
        )?;
        Ok(changed > 0)
    }

    pub fn receipt(
        &self,
        peer: PeerId,
        id: RequestId,
        role: ReceiptRole,
    ) -> Result<Option<ReceiptRow>, StoreError> {
        let sql = "SELECT * FROM receipts WHERE peer = ?1 AND id = ?2 AND role = ?3";
        self.one(sql, params![peer.to_string(), id.to_string(), role.name()], row)
    }

    /// Returns the selected receipts, newest first.
    pub fn receipts(&self, filter: &ReceiptFilter) -> Result<Vec<ReceiptRow>, StoreError> {
        let id = filter.id.as_deref().unwrap_or_default();
        self.all(
            "SELECT * FROM receipts
             WHERE at_ms < ?1 AND (?2 IS NULL OR peer = ?2) AND substr(id, 1, ?4) = ?3 AND (?5 IS NULL OR state = ?5)
             ORDER BY at_ms DESC, peer, id, role LIMIT ?6",
            params![
                filter.before_ms.unwrap_or(i64::MAX),
                filter.peer.map(|peer| peer.to_string()),
                id,
                saturated(id.chars().count()),
                filter.state.map(ReceiptState::name),
                saturated(filter.limit),
            ],
            row,
        )
    }

    /// Deletes receipts from before `before_ms`, complete or not, and returns how many. Only the owner's own command
    /// may call this.
    pub fn prune_receipts(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM receipts WHERE at_ms < ?1", [before_ms])
    }
}

fn row(cells: &Cells<'_, '_>) -> Result<ReceiptRow, StoreError> {
    Ok(ReceiptRow {
        peer: cells.parsed("peer")?,
        id: cells.parsed("id")?,
        role: cells.parsed("role")?,
        state: cells.parsed("state")?,
        envelope: cells.get("envelope")?,
        at_ms: cells.get("at_ms")?,
    })
}

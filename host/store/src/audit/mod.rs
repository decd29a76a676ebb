mod chain;
mod prune;
mod verify;

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;
use serde_json::Value;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

use chain::RowText;
pub(crate) use chain::fill;
pub use chain::{AuditHead, AuditHeadError};
pub use verify::{AuditBroken, AuditVerified};

/// A new row for the audit log. Triggers in the database refuse to change it afterwards, or to delete it other than by
/// [`Tx::prune_audit`].
#[derive(Clone, Debug)]
pub struct NewAudit<'a> {
    pub at_ms: i64,
    pub event: &'a str,
    pub peer: Option<PeerId>,
    /// The id of the request, goal or plan.
    pub task: Option<RequestId>,
    /// The name as the peer wrote it. There may be no such skill.
    pub skill: Option<&'a str>,
    pub detail: &'a Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Increases with every row.
    pub seq: i64,
    pub at_ms: i64,
    pub event: String,
    pub peer: Option<PeerId>,
    /// The id of the request, goal or plan. It is text, so that rows of any age can be read as they were written.
    pub task: Option<String>,
    pub skill: Option<String>,
    pub detail: Value,
}

/// Selects rows. A field that is `None` does not restrict the selection.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// At most this many rows; 0 reads none.
    pub limit: usize,
    pub peer: Option<PeerId>,
    pub skill: Option<String>,
    /// Only rows with a lower `seq`, for the next page.
    pub before: Option<i64>,
}

impl Tx<'_> {
    /// Appends a row to the chain and returns its `seq`.
    pub fn audit(&self, new: &NewAudit<'_>) -> Result<i64, StoreError> {
        let (peer, task) = (new.peer.map(|peer| peer.to_string()), new.task.map(|task| task.to_string()));
        let detail = new.detail.to_string();
        let head = self.next_head(&RowText {
            at_ms: new.at_ms,
            event: new.event.as_bytes(),
            peer: peer.as_deref().map(str::as_bytes),
            task: task.as_deref().map(str::as_bytes),
            skill: new.skill.map(str::as_bytes),
            detail: detail.as_bytes(),
        })?;
        self.run(
            "INSERT INTO audit (seq, at_ms, event, peer, task, skill, detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![head.seq, new.at_ms, new.event, peer, task, new.skill, detail, head.hash.as_bytes()],
        )?;
        Ok(head.seq)
    }

    /// Returns the selected rows, newest first.
    pub fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        // A filter that is not used is left out of the query, so that SQLite can use the index of the other.
        let peer = if filter.peer.is_some() { "peer = ?2" } else { "?2 IS NULL" };
        let skill = if filter.skill.is_some() { "skill = ?3" } else { "?3 IS NULL" };
        self.all(
            &format!("SELECT * FROM audit WHERE seq < ?1 AND {peer} AND {skill} ORDER BY seq DESC LIMIT ?4"),
            params![
                filter.before.unwrap_or(i64::MAX),
                filter.peer.map(|peer| peer.to_string()),
                filter.skill,
                saturated(filter.limit),
            ],
            audit_row,
        )
    }

    /// Returns at most `limit` rows of one event that were written at `since_ms` or later, newest first.
    pub fn audit_rows_of(
        &self,
        event: &str,
        since_ms: i64,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        // Bounded by `seq`, so that SQLite reads only the rows of that time.
        let older = "SELECT seq FROM audit WHERE at_ms < ?1 ORDER BY seq DESC LIMIT 1";
        self.all(
            &format!(
                "SELECT * FROM audit WHERE seq > coalesce(({older}), 0) AND event = ?2 ORDER BY seq DESC LIMIT ?3"
            ),
            params![since_ms, event, saturated(limit)],
            audit_row,
        )
    }
}

fn audit_row(cells: &Cells<'_, '_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        seq: cells.get("seq")?,
        at_ms: cells.get("at_ms")?,
        event: cells.get("event")?,
        peer: cells.parsed_if_any("peer")?,
        task: cells.get("task")?,
        skill: cells.get("skill")?,
        detail: cells.json("detail")?,
    })
}

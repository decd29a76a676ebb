//! Trust in peers, its leases, and the log of its changes.

use coworker_policy::trust::{Faults, Lease, Reason, TierChange, Trust};
use coworker_policy::{PeerId, Tier};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// The owner's decision about a peer, without any lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    pub peer: PeerId,
    pub tier: Tier,
    pub reason: String,
    pub at_ms: i64,
}

/// A row of the table `trust`: the trust in a peer with its lease and the record of its faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRow {
    pub peer: PeerId,
    pub trust: Trust,
    /// Reason for the last decision, as its author wrote it.
    pub reason: String,
    /// When it was decided. Later faults and the end of a lease do not change it.
    pub at_ms: i64,
}

/// A line of the trust log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustLogRow {
    /// Grows with every row.
    pub seq: i64,
    pub at_ms: i64,
    pub peer: PeerId,
    pub change: TierChange,
    pub note: String,
}

/// Selects lines. A field that is `None` does not restrict the selection.
#[derive(Clone, Debug, Default)]
pub struct TrustLogFilter {
    /// At most this many lines; 0 reads none.
    pub limit: usize,
    pub peer: Option<PeerId>,
    /// Only lines with a lower `seq`, for the next page.
    pub before: Option<i64>,
}

impl Tx<'_> {
    /// Returns the tier that the owner decided, without any lease. The default is UNTRUSTED.
    pub fn tier(&self, peer: PeerId) -> Result<Tier, StoreError> {
        let tier =
            self.one("SELECT tier FROM trust WHERE peer = ?1", [peer.to_string()], |c| c.parsed("tier"))?;
        Ok(tier.unwrap_or(Tier::Untrusted))
    }

    /// Stores the owner's decision without a lease and resets the record of faults. Writes nothing to the trust log.
    pub fn set_tier(&self, peer: PeerId, tier: Tier, reason: &str, now_ms: i64) -> Result<(), StoreError> {
        self.decide_trust(&TrustRow {
            peer,
            trust: Trust::standing(tier),
            reason: reason.to_owned(),
            at_ms: now_ms,
        })
    }

    /// Deletes the decision about a peer, which becomes a stranger again even if the owner connected to it before.
    /// Returns false if there was no decision.
    pub fn remove_tier(&self, peer: PeerId) -> Result<bool, StoreError> {
        self.run("UPDATE peers SET chosen = 0 WHERE id = ?1", [peer.to_string()])?;
        Ok(self.run("DELETE FROM trust WHERE peer = ?1", [peer.to_string()])? > 0)
    }

    /// Returns all decisions, oldest first.
    pub fn tiers(&self) -> Result<Vec<Trusted>, StoreError> {
        self.all("SELECT * FROM trust ORDER BY at_ms, peer", [], |cells| {
            Ok(Trusted {
                peer: cells.parsed("peer")?,
                tier: cells.parsed("tier")?,
                reason: cells.get("reason")?,
                at_ms: cells.get("at_ms")?,
            })
        })
    }

    /// Returns all rows, oldest decision first.
    pub fn trust_rows(&self) -> Result<Vec<TrustRow>, StoreError> {
        self.all("SELECT * FROM trust ORDER BY at_ms, peer", [], trust_row)
    }

    /// Returns `None` for a stranger.
    pub fn trust(&self, peer: PeerId) -> Result<Option<TrustRow>, StoreError> {
        self.one("SELECT * FROM trust WHERE peer = ?1", [peer.to_string()], trust_row)
    }

    /// Stores a decision, replacing the earlier one.
    pub fn decide_trust(&self, row: &TrustRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO trust (peer, tier, reason, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (peer) DO UPDATE SET reason = excluded.reason, at_ms = excluded.at_ms",
            params![row.peer.to_string(), row.trust.without_lease().name(), row.reason, row.at_ms],
        )?;
        self.keep_trust(row.peer, &row.trust)?;
        Ok(())
    }

    /// Updates a decision after a fault or the end of a lease. Returns false if there is no decision: the faults of
    /// strangers are not stored.
    pub fn keep_trust(&self, peer: PeerId, trust: &Trust) -> Result<bool, StoreError> {
        let (lease, provider, caller) = (trust.lease(), trust.as_provider(), trust.as_caller());
        let changed = self.run(
            "UPDATE trust SET tier = ?2, lease_tier = ?3, lease_until_ms = ?4, lease_calls = ?5, lease_goal = ?6,
                 provider_row = ?7, provider_total = ?8, caller_row = ?9, caller_total = ?10, shut = ?11
             WHERE peer = ?1",
            params![
                peer.to_string(),
                trust.without_lease().name(),
                lease.map(|lease| lease.tier.name()),
                lease.and_then(|lease| lease.until_ms),
                lease.and_then(|lease| lease.calls_left).map(saturated),
                lease.is_some_and(|lease| lease.until_goal),
                provider.in_row,
                provider.total,
                caller.in_row,
                caller.total,
                trust.is_shut(),
            ],
        )?;
        Ok(changed > 0)
    }

    /// Ends the leases that have expired and logs each. Call it when the agent starts, before trust is first read,
    /// and again at [`Tx::next_lease_end`].
    pub fn end_leases(&self, now_ms: i64) -> Result<Vec<(PeerId, TierChange)>, StoreError> {
        let over = "SELECT * FROM trust WHERE lease_until_ms <= ?1 ORDER BY lease_until_ms, peer";
        let mut ended = Vec::new();
        for TrustRow { peer, mut trust, .. } in self.all(over, [now_ms], trust_row)? {
            let change = trust.expire(now_ms);
            self.keep_trust(peer, &trust)?;
            if let Some(change) = change {
                self.log_trust(peer, &change, "", now_ms)?;
                ended.push((peer, change));
            }
        }
        Ok(ended)
    }

    /// Returns the time at which the next lease expires.
    pub fn next_lease_end(&self) -> Result<Option<i64>, StoreError> {
        let next = "SELECT min(lease_until_ms) AS lease_until_ms FROM trust WHERE lease_until_ms IS NOT NULL";
        Ok(self.one(next, [], |cells| cells.get("lease_until_ms"))?.flatten())
    }

    /// Appends a line to the trust log. Triggers in the database refuse to change or delete it afterwards.
    pub fn log_trust(
        &self,
        peer: PeerId,
        change: &TierChange,
        note: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO trust_log (at_ms, peer, before, after, reason, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                now_ms,
                peer.to_string(),
                change.from.name(),
                change.to.name(),
                change.reason.name(),
                note
            ],
        )?;
        Ok(())
    }

    /// Returns the selected lines, newest first.
    pub fn trust_log(&self, filter: &TrustLogFilter) -> Result<Vec<TrustLogRow>, StoreError> {
        // A filter that is not used is left out of the query, so that SQLite can use the index of the other.
        let peer = if filter.peer.is_some() { "peer = ?2" } else { "?2 IS NULL" };
        self.all(
            &format!("SELECT * FROM trust_log WHERE seq < ?1 AND {peer} ORDER BY seq DESC LIMIT ?3"),
            params![
                filter.before.unwrap_or(i64::MAX),
                filter.peer.map(|peer| peer.to_string()),
                saturated(filter.limit)
            ],
            log_row,
        )
    }
}

pub(crate) fn trust_row(cells: &Cells<'_, '_>) -> Result<TrustRow, StoreError> {
    Ok(TrustRow {
        peer: cells.parsed("peer")?,
        trust: Trust::restored(
            cells.parsed("tier")?,
            lease(cells)?,
            Faults { in_row: cells.get("provider_row")?, total: cells.get("provider_total")? },
            Faults { in_row: cells.get("caller_row")?, total: cells.get("caller_total")? },
            cells.get("shut")?,
        ),
        reason: cells.get("reason")?,
        at_ms: cells.get("at_ms")?,
    })
}

fn lease(cells: &Cells<'_, '_>) -> Result<Option<Lease>, StoreError> {
    let Some(tier) = cells.parsed_if_any("lease_tier")? else { return Ok(None) };
    Ok(Some(Lease {
        tier,
        until_ms: cells.get("lease_until_ms")?,
        calls_left: cells.get("lease_calls")?,
        until_goal: cells.get("lease_goal")?,
    }))
}

fn log_row(cells: &Cells<'_, '_>) -> Result<TrustLogRow, StoreError> {
    let reason: Reason = cells.parsed("reason")?;
    Ok(TrustLogRow {
        seq: cells.get("seq")?,
        at_ms: cells.get("at_ms")?,
        peer: cells.parsed("peer")?,
        change: TierChange { from: cells.parsed("before")?, to: cells.parsed("after")?, reason },
        note: cells.get("note")?,
    })
}

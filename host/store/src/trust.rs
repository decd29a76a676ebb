//! What we think of peers, until when, and how that came about.

use coworker_policy::trust::{Faults, Lease, Reason, TierChange, Trust};
use coworker_policy::{PeerId, Tier};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// The owner's decision about a peer, without what a lease adds for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    pub peer: PeerId,
    pub tier: Tier,
    pub reason: String,
    pub at_ms: i64,
}

/// All that is kept of the trust in a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub peer: PeerId,
    pub trust: Trust,
    /// In whoever's words the last decision was explained.
    pub reason: String,
    /// When it was decided. Conduct and time do not move it.
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

/// Which lines to read; `None` does not restrict.
#[derive(Clone, Debug, Default)]
pub struct TrustLogFilter {
    /// At most this many lines; 0 reads none.
    pub limit: usize,
    pub peer: Option<PeerId>,
    /// Lines with a lower `seq` only: the next page.
    pub before: Option<i64>,
}

impl Tx<'_> {
    /// UNTRUSTED unless the owner decided otherwise; without what a lease adds.
    pub fn tier(&self, peer: PeerId) -> Result<Tier, StoreError> {
        let tier =
            self.one("SELECT tier FROM trust WHERE peer = ?1", [peer.to_string()], |c| c.parsed("tier"))?;
        Ok(tier.unwrap_or(Tier::Untrusted))
    }

    /// The owner's decision without an end. Faults before it are forgiven. Says nothing to the trust log.
    pub fn set_tier(&self, peer: PeerId, tier: Tier, reason: &str, now_ms: i64) -> Result<(), StoreError> {
        self.decide_trust(&Standing {
            peer,
            trust: Trust::standing(tier),
            reason: reason.to_owned(),
            at_ms: now_ms,
        })
    }

    /// False if there was nothing to remove. The peer is a stranger again, for invites, too: also if the owner
    /// connected to it before.
    pub fn remove_tier(&self, peer: PeerId) -> Result<bool, StoreError> {
        self.run("UPDATE peers SET chosen = 0 WHERE id = ?1", [peer.to_string()])?;
        Ok(self.run("DELETE FROM trust WHERE peer = ?1", [peer.to_string()])? > 0)
    }

    /// Oldest decision first.
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

    /// Oldest decision first.
    pub fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        self.all("SELECT * FROM trust ORDER BY at_ms, peer", [], standing)
    }

    /// `None` for a stranger.
    pub fn standing(&self, peer: PeerId) -> Result<Option<Standing>, StoreError> {
        self.one("SELECT * FROM trust WHERE peer = ?1", [peer.to_string()], standing)
    }

    /// Keeps a decision in place of the one before.
    pub fn decide_trust(&self, standing: &Standing) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO trust (peer, tier, reason, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (peer) DO UPDATE SET reason = excluded.reason, at_ms = excluded.at_ms",
            params![
                standing.peer.to_string(),
                standing.trust.without_lease().name(),
                standing.reason,
                standing.at_ms
            ],
        )?;
        self.keep_trust(standing.peer, &standing.trust)?;
        Ok(())
    }

    /// Keeps what time and conduct made of a decision. False if there is none: a stranger's conduct is not kept.
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

    /// Ends the leases whose time is over, and says so in the trust log. To be called when the agent comes up,
    /// before anything is asked of trust, and again at [`Tx::next_lease_end`].
    pub fn end_leases(&self, now_ms: i64) -> Result<Vec<(PeerId, TierChange)>, StoreError> {
        let over = "SELECT * FROM trust WHERE lease_until_ms <= ?1 ORDER BY lease_until_ms, peer";
        let mut ended = Vec::new();
        for Standing { peer, mut trust, .. } in self.all(over, [now_ms], standing)? {
            let change = trust.expire(now_ms);
            self.keep_trust(peer, &trust)?;
            if let Some(change) = change {
                self.log_trust(peer, &change, "", now_ms)?;
                ended.push((peer, change));
            }
        }
        Ok(ended)
    }

    /// When the next lease ends by its time, in milliseconds since the Unix epoch.
    pub fn next_lease_end(&self) -> Result<Option<i64>, StoreError> {
        let next = "SELECT min(lease_until_ms) AS lease_until_ms FROM trust WHERE lease_until_ms IS NOT NULL";
        Ok(self.one(next, [], |cells| cells.get("lease_until_ms"))?.flatten())
    }

    /// Adds a line to the trust log; the database itself refuses to change or delete it afterwards.
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

    /// Newest first.
    pub fn trust_log(&self, filter: &TrustLogFilter) -> Result<Vec<TrustLogRow>, StoreError> {
        // Said with the parameter in its place, a filter can use its index.
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

pub(crate) fn standing(cells: &Cells<'_, '_>) -> Result<Standing, StoreError> {
    Ok(Standing {
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

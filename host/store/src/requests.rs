//! Requests that are answered later, and the list of all tasks, our own and those of peers.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{InboundState, Outbound, OutboundState, outbound};

/// Tells a peer's call from one of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A peer called one of our skills.
    Inbound(InboundState),
    /// We called a peer's skill.
    Outbound(OutboundState),
}

/// A call or request without its input and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    pub direction: Direction,
    /// A message about it is in the peer's outbox.
    pub in_outbox: bool,
    /// The peer reported that it runs.
    pub running: bool,
    pub at_ms: i64,
    pub expires_ms: Option<i64>,
    pub done_ms: Option<i64>,
}

/// Selects tasks.
#[derive(Clone, Copy, Debug)]
pub struct TaskFilter {
    pub peer: Option<PeerId>,
    /// Excludes finished tasks that ended before this time. For a peer's call its arrival counts.
    pub since_ms: i64,
    pub limit: usize,
}

impl Tx<'_> {
    /// Returns at most `limit` of our calls and requests whose id begins with `start`, newest first.
    pub fn outbound_like(&self, start: &str, limit: usize) -> Result<Vec<Outbound>, StoreError> {
        self.all(
            "SELECT * FROM outbound WHERE substr(id, 1, length(?1)) = ?1 ORDER BY at_ms DESC, id LIMIT ?2",
            params![start, saturated(limit)],
            outbound,
        )
    }

    /// Notes that the peer is running our call.
    pub fn outbound_runs(&self, peer: PeerId, id: RequestId) -> Result<(), StoreError> {
        let sql = "UPDATE outbound SET running = 1
                   WHERE id = ?2 AND peer = ?1 AND state = 'waiting' AND running = 0";
        self.run(sql, [peer.to_string(), id.to_string()])?;
        Ok(())
    }

    /// Marks our overdue requests as expired and deletes their messages that were never sealed. Returns how many
    /// expired.
    pub fn expire_outbound(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.run(
            "DELETE FROM outbox WHERE seq IS NULL AND tag IN
                 (SELECT id FROM outbound WHERE state = 'waiting' AND expires_ms <= ?1 AND peer = outbox.peer)",
            [now_ms],
        )?;
        self.run(
            "UPDATE outbound SET state = 'expired', done_ms = ?1 WHERE state = 'waiting' AND expires_ms <= ?1",
            [now_ms],
        )
    }

    /// Marks our open calls as abandoned: the process that waited for them has ended. Returns how many.
    pub fn abandon_calls(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.run(
            "UPDATE outbound SET state = 'abandoned', done_ms = ?1 WHERE state = 'waiting' AND expires_ms IS NULL",
            [now_ms],
        )
    }

    /// Deletes our finished calls and requests that began before `before_ms`, and returns how many.
    pub fn prune_outbound(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM outbound WHERE at_ms < ?1 AND state <> 'waiting'", [before_ms])
    }

    /// Returns tasks of both directions, newest first. If there are more than the limit, finished tasks are left out
    /// before open ones.
    pub fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        self.all(
            "SELECT *, EXISTS (SELECT 1 FROM outbox WHERE outbox.peer = task.peer AND tag = task.id) AS mail
             FROM (SELECT *, state IN ('waiting', 'received', 'running') AS open
                   FROM (SELECT id, peer, skill, 0 AS ours, state, 0 AS running, at_ms, expires_ms, NULL AS done_ms
                         FROM inbound
                         UNION ALL
                         SELECT id, peer, skill, 1, state, running, at_ms, expires_ms, done_ms FROM outbound)
                   WHERE (?1 IS NULL OR peer = ?1) AND (open OR coalesce(done_ms, at_ms) >= ?2)
                   ORDER BY open DESC, at_ms DESC, id LIMIT ?3) AS task
             ORDER BY at_ms DESC, id",
            params![filter.peer.map(|peer| peer.to_string()), filter.since_ms, saturated(filter.limit)],
            row,
        )
    }
}

fn row(cells: &Cells<'_, '_>) -> Result<TaskRow, StoreError> {
    let direction = if cells.get("ours")? {
        Direction::Outbound(cells.parsed("state")?)
    } else {
        Direction::Inbound(cells.parsed("state")?)
    };
    Ok(TaskRow {
        id: cells.parsed("id")?,
        peer: cells.parsed("peer")?,
        skill: cells.get("skill")?,
        direction,
        in_outbox: cells.get("mail")?,
        running: cells.get("running")?,
        at_ms: cells.get("at_ms")?,
        expires_ms: cells.get("expires_ms")?,
        done_ms: cells.get("done_ms")?,
    })
}

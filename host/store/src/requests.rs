//! Requests whose caller need not wait, and the list of all tasks, ours and our peers'.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{InboundState, Outbound, OutboundState, outbound};

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A peer's, of us.
    Inbound(InboundState),
    /// Ours, of a peer.
    Outbound(OutboundState),
}

/// A task without its input and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    pub direction: Direction,
    /// A message about it waits to be taken by the peer.
    pub in_outbox: bool,
    /// The peer said that it runs.
    pub running: bool,
    pub at_ms: i64,
    pub expires_ms: Option<i64>,
    pub done_ms: Option<i64>,
}

/// Which tasks to list.
#[derive(Clone, Copy, Debug)]
pub struct TaskFilter {
    pub peer: Option<PeerId>,
    /// Finished ones only if they ended (or, a peer's, came) then or later.
    pub since_ms: i64,
    pub limit: usize,
}

impl Tx<'_> {
    /// Requests and calls of ours whose id begins with `start`, the newest first, at most `limit`.
    pub fn outbound_like(&self, start: &str, limit: usize) -> Result<Vec<Outbound>, StoreError> {
        self.all(
            "SELECT * FROM outbound WHERE substr(id, 1, length(?1)) = ?1 ORDER BY at_ms DESC, id LIMIT ?2",
            params![start, saturated(limit)],
            outbound,
        )
    }

    /// The peer works on a request of ours.
    pub fn outbound_runs(&self, peer: PeerId, id: RequestId) -> Result<(), StoreError> {
        let sql = "UPDATE outbound SET running = 1
                   WHERE id = ?2 AND peer = ?1 AND state = 'waiting' AND running = 0";
        self.run(sql, [peer.to_string(), id.to_string()])?;
        Ok(())
    }

    /// Ends what was to be done by now. What of it has not left yet does not leave any more.
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

    /// Ends the calls whose caller was cut off with the process that waited for them.
    pub fn abandon_calls(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.run(
            "UPDATE outbound SET state = 'abandoned', done_ms = ?1 WHERE state = 'waiting' AND expires_ms IS NULL",
            [now_ms],
        )
    }

    /// Forgets requests and calls of ours that ended, and began before `before_ms`; returns how many.
    pub fn prune_outbound(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM outbound WHERE at_ms < ?1 AND state <> 'waiting'", [before_ms])
    }

    /// Tasks of both directions, the newest first. Where there are more than the limit, what ended gives way to
    /// what is open.
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

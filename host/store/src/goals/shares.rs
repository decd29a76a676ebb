//! Our shares of the goals of peers.

use coworker_policy::{PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{StateError, states};

states! {
    /// A share is open while it waits for the owner or is accepted.
    GoalShareState {
        Asked = "asked",
        Accepted = "accepted",
        Denied = "denied",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
        Expired = "expired"
    }
}

/// Our share of a peer's goal: the steps that the peer asks us to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalShare {
    pub peer: PeerId,
    /// The goal's id, chosen by the peer.
    pub goal: RequestId,
    /// Id of the message that proposed the goal.
    pub proposal: RequestId,
    /// JSON text.
    pub offer: String,
    pub state: GoalShareState,
    pub at_ms: i64,
    /// When the share ends, unless the peer ends it earlier.
    pub expires_ms: i64,
    pub done_ms: Option<i64>,
}

/// A step of a peer's goal that we completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedStep {
    pub step: String,
    pub request: RequestId,
    pub at_ms: i64,
}

impl GoalShareState {
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted)
    }
}

impl Tx<'_> {
    /// Fails if this peer already has a goal with this id here.
    pub fn add_goal_share(&self, share: &GoalShare) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO goal_shares (peer, goal, proposal, offer, state, at_ms, expires_ms, done_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                share.peer.to_string(),
                share.goal.to_string(),
                share.proposal.to_string(),
                share.offer,
                share.state.name(),
                share.at_ms,
                share.expires_ms,
                share.done_ms,
            ],
        )?;
        Ok(())
    }

    pub fn goal_share(&self, peer: PeerId, goal: RequestId) -> Result<Option<GoalShare>, StoreError> {
        let sql = "SELECT * FROM goal_shares WHERE peer = ?1 AND goal = ?2";
        self.one(sql, [peer.to_string(), goal.to_string()], share)
    }

    /// Returns at most `limit` shares whose goal's id begins with `start`: open ones first, then newest first. An empty
    /// `start` selects all.
    pub fn goal_shares_like(&self, start: &str, limit: usize) -> Result<Vec<GoalShare>, StoreError> {
        self.all(
            "SELECT * FROM goal_shares WHERE substr(goal, 1, length(?1)) = ?1
             ORDER BY done_ms IS NOT NULL, at_ms DESC, goal, peer LIMIT ?2",
            params![start, saturated(limit)],
            share,
        )
    }

    /// Returns the same for the goals of one peer.
    pub fn goal_shares_of_like(
        &self,
        peer: PeerId,
        start: &str,
        limit: usize,
    ) -> Result<Vec<GoalShare>, StoreError> {
        self.all(
            "SELECT * FROM goal_shares WHERE peer = ?1 AND substr(goal, 1, length(?2)) = ?2
             ORDER BY done_ms IS NOT NULL, at_ms DESC, goal LIMIT ?3",
            params![peer.to_string(), start, saturated(limit)],
            share,
        )
    }

    /// Returns the number of the peer's open goals.
    pub fn open_goal_shares_of(&self, peer: PeerId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) AS count FROM goal_shares WHERE peer = ?1 AND done_ms IS NULL";
        self.count(sql, [peer.to_string()])
    }

    /// Returns the number of goals, open or not, that the peer proposed after `since_ms`.
    pub fn goal_shares_of_since(&self, peer: PeerId, since_ms: i64) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) AS count FROM goal_shares WHERE peer = ?1 AND at_ms > ?2";
        self.count(sql, params![peer.to_string(), since_ms])
    }

    /// Deletes the peer's ended goals, except for the `keep` latest, and returns how many.
    pub fn prune_goal_shares_of(&self, peer: PeerId, keep: usize) -> Result<usize, StoreError> {
        self.run(
            "DELETE FROM goal_shares WHERE peer = ?1 AND goal IN (
                 SELECT goal FROM goal_shares WHERE peer = ?1 AND done_ms IS NOT NULL
                 ORDER BY at_ms DESC, goal LIMIT -1 OFFSET ?2)",
            params![peer.to_string(), saturated(keep)],
        )
    }

    /// Returns the open shares that have expired.
    pub fn overdue_goal_shares(&self, now_ms: i64) -> Result<Vec<GoalShare>, StoreError> {
        let sql = "SELECT * FROM goal_shares WHERE done_ms IS NULL AND expires_ms <= ?1 ORDER BY at_ms, goal";
        self.all(sql, [now_ms], share)
    }

    /// Changes the state of an open share; `done_ms` ends it. Returns false and changes nothing if it has ended.
    pub fn move_goal_share(
        &self,
        peer: PeerId,
        goal: RequestId,
        state: GoalShareState,
        done_ms: Option<i64>,
    ) -> Result<bool, StoreError> {
        let changed = self.run(
            "UPDATE goal_shares SET state = ?3, done_ms = ?4 WHERE peer = ?1 AND goal = ?2 AND done_ms IS NULL",
            params![peer.to_string(), goal.to_string(), state.name(), done_ms],
        )?;
        Ok(changed > 0)
    }

    /// Notes that we completed a step. Returns false if that was noted before.
    pub fn add_served_step(
        &self,
        peer: PeerId,
        goal: RequestId,
        served: &ServedStep,
    ) -> Result<bool, StoreError> {
        let added = self.run(
            "INSERT INTO goal_served (peer, goal, step, request, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (peer, goal, step) DO NOTHING",
            params![
                peer.to_string(),
                goal.to_string(),
                served.step,
                served.request.to_string(),
                served.at_ms
            ],
        )?;
        Ok(added > 0)
    }

    /// Returns the completed steps in the order of their completion.
    pub fn served_steps(&self, peer: PeerId, goal: RequestId) -> Result<Vec<ServedStep>, StoreError> {
        let sql = "SELECT * FROM goal_served WHERE peer = ?1 AND goal = ?2 ORDER BY at_ms, step";
        self.all(sql, [peer.to_string(), goal.to_string()], |cells| {
            Ok(ServedStep {
                step: cells.get("step")?,
                request: cells.parsed("request")?,
                at_ms: cells.get("at_ms")?,
            })
        })
    }
}

fn share(cells: &Cells<'_, '_>) -> Result<GoalShare, StoreError> {
    Ok(GoalShare {
        peer: cells.parsed("peer")?,
        goal: cells.parsed("goal")?,
        proposal: cells.parsed("proposal")?,
        offer: cells.get("offer")?,
        state: cells.parsed("state")?,
        at_ms: cells.get("at_ms")?,
        expires_ms: cells.get("expires_ms")?,
        done_ms: cells.get("done_ms")?,
    })
}

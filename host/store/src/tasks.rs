use coworker_policy::{PeerId, RequestId, VersionPin};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// A peer's call of one of our skills, identified by the peer and the id that the peer chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub peer: PeerId,
    pub id: RequestId,
    /// The name as the peer wrote it. There may be no such skill.
    pub skill: String,
    /// The input as the peer wrote it. Empty once the call is done.
    pub input: String,
    /// The caller's timeout, a duration in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Deadline for the start of the call, by the peer's clock.
    pub expires_ms: Option<i64>,
    /// Versions of the skill that the peer accepts.
    pub version: Option<VersionPin>,
    /// The goal step or delegated call that the peer says this belongs to, as JSON.
    pub part_of: Option<String>,
    pub state: InboundState,
    /// The encoded answer, sent again if the peer repeats the call.
    pub reply: Option<Vec<u8>>,
    pub at_ms: i64,
}

/// Our call of a peer's skill, identified by an id that we chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    /// JSON text.
    pub input: String,
    pub state: OutboundState,
    /// When the request expires. `None` for a call, whose caller waits while it runs.
    pub expires_ms: Option<i64>,
    /// JSON text.
    pub answer: Option<String>,
    pub at_ms: i64,
    pub done_ms: Option<i64>,
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($state:ident = $text:literal),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($state),+
        }

        impl $name {
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$state => $text),+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = StateError;

            fn from_str(text: &str) -> Result<Self, StateError> {
                match text {
                    $($text => Ok(Self::$state),)+
                    _ => Err(StateError),
                }
            }
        }
    };
}

#[derive(Debug, thiserror::Error)]
#[error("unknown state")]
pub struct StateError;

pub(crate) use states;

states! { InboundState { Received = "received", Running = "running", Done = "done" } }
states! {
    OutboundState {
        Waiting = "waiting",
        Done = "done",
        Failed = "failed",
        Abandoned = "abandoned",
        Cancelled = "cancelled",
        Expired = "expired"
    }
}

impl Tx<'_> {
    /// Stores a call. Returns false if this peer already made a call with this id: it must not run again.
    pub fn accept_task(&self, task: &Inbound) -> Result<bool, StoreError> {
        let added = self.run(
            "INSERT INTO inbound (peer, id, skill, input, patience_ms, expires_ms, version, part_of, state,
                 reply, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (peer, id) DO NOTHING",
            params![
                task.peer.to_string(),
                task.id.to_string(),
                task.skill,
                task.input,
                task.timeout_ms.map(saturated),
                task.expires_ms,
                task.version.as_ref().map(ToString::to_string),
                task.part_of,
                task.state.name(),
                task.reply,
                task.at_ms,
            ],
        )?;
        Ok(added > 0)
    }

    pub fn inbound(&self, peer: PeerId, id: RequestId) -> Result<Option<Inbound>, StoreError> {
        let sql = "SELECT * FROM inbound WHERE peer = ?1 AND id = ?2";
        self.one(sql, [peer.to_string(), id.to_string()], inbound)
    }

    pub fn task_running(&self, peer: PeerId, id: RequestId) -> Result<(), StoreError> {
        let sql = "UPDATE inbound SET state = 'running' WHERE peer = ?1 AND id = ?2 AND state = 'received'";
        self.run(sql, [peer.to_string(), id.to_string()])?;
        Ok(())
    }

    /// Notes that a call was interrupted before it had a reply. Returns false if it was not running.
    pub fn task_interrupted(&self, peer: PeerId, id: RequestId) -> Result<bool, StoreError> {
        let sql = "UPDATE inbound SET state = 'received' WHERE peer = ?1 AND id = ?2 AND state = 'running'";
        Ok(self.run(sql, [peer.to_string(), id.to_string()])? > 0)
    }

    /// Stores the reply and deletes the input. A later reply does not replace the first.
    pub fn task_done(&self, peer: PeerId, id: RequestId, reply: &[u8]) -> Result<(), StoreError> {
        self.run(
            "UPDATE inbound SET state = 'done', reply = ?3, input = ''
             WHERE peer = ?1 AND id = ?2 AND state <> 'done'",
            params![peer.to_string(), id.to_string(), reply],
        )?;
        Ok(())
    }

    /// Deletes a refused call. It had no effect, so its id may be used again.
    pub fn forget_task(&self, peer: PeerId, id: RequestId) -> Result<(), StoreError> {
        self.run("DELETE FROM inbound WHERE peer = ?1 AND id = ?2", [peer.to_string(), id.to_string()])?;
        Ok(())
    }

    /// Returns all calls without a reply, in the order of their arrival.
    pub fn unfinished(&self) -> Result<Vec<Inbound>, StoreError> {
        self.all("SELECT * FROM inbound WHERE state <> 'done' ORDER BY arrival", [], inbound)
    }

    /// Returns the number of the peer's calls without a reply.
    pub fn pending_of(&self, peer: PeerId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) AS count FROM inbound WHERE peer = ?1 AND state <> 'done'";
        self.count(sql, [peer.to_string()])
    }

    /// Deletes finished calls that arrived, and expired, before `before_ms`, and returns how many. A deleted call runs
    /// again if the peer repeats it, so `before_ms` must be further back than any message can be delayed.
    pub fn prune_inbound(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run(
            "DELETE FROM inbound
             WHERE at_ms < ?1 AND state = 'done' AND (expires_ms IS NULL OR expires_ms < ?1)",
            [before_ms],
        )
    }

    /// Stores a call or request of ours. Fails if its id is in use.
    pub fn add_outbound(&self, task: &Outbound) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO outbound (id, peer, skill, input, state, expires_ms, answer, at_ms, done_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                task.id.to_string(),
                task.peer.to_string(),
                task.skill,
                task.input,
                task.state.name(),
                task.expires_ms,
                task.answer,
                task.at_ms,
                task.done_ms,
            ],
        )?;
        Ok(())
    }

    /// Ends a call of `peer`'s skill. Returns false and changes nothing if the call is not waiting for an answer, or
    /// if it went to another peer: only the peer that was called can answer. A late answer still replaces the states
    /// expired and abandoned.
    pub fn finish_outbound(
        &self,
        peer: PeerId,
        id: RequestId,
        state: OutboundState,
        answer: Option<&str>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let changed = self.run(
            "UPDATE outbound SET state = ?3, answer = ?4, done_ms = ?5
             WHERE id = ?2 AND peer = ?1
                 AND (state = 'waiting' OR state IN ('expired', 'abandoned') AND ?3 IN ('done', 'failed'))",
            params![peer.to_string(), id.to_string(), state.name(), answer, now_ms],
        )?;
        Ok(changed > 0)
    }

    pub fn outbound(&self, id: RequestId) -> Result<Option<Outbound>, StoreError> {
        self.one("SELECT * FROM outbound WHERE id = ?1", [id.to_string()], outbound)
    }
}

pub(crate) fn inbound(cells: &Cells<'_, '_>) -> Result<Inbound, StoreError> {
    Ok(Inbound {
        peer: cells.parsed("peer")?,
        id: cells.parsed("id")?,
        skill: cells.get("skill")?,
        input: cells.get("input")?,
        timeout_ms: cells.get("patience_ms")?,
        expires_ms: cells.get("expires_ms")?,
        version: cells.parsed_if_any("version")?,
        part_of: cells.get("part_of")?,
        state: cells.parsed("state")?,
        reply: cells.get("reply")?,
        at_ms: cells.get("at_ms")?,
    })
}

pub(crate) fn outbound(cells: &Cells<'_, '_>) -> Result<Outbound, StoreError> {
    Ok(Outbound {
        id: cells.parsed("id")?,
        peer: cells.parsed("peer")?,
        skill: cells.get("skill")?,
        input: cells.get("input")?,
        state: cells.parsed("state")?,
        expires_ms: cells.get("expires_ms")?,
        answer: cells.get("answer")?,
        at_ms: cells.get("at_ms")?,
        done_ms: cells.get("done_ms")?,
    })
}

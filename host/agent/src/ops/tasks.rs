use std::collections::HashMap;

use coworker_policy::{AgentName, PeerId};
use coworker_store::{Direction, InboundState, OutboundState, TaskFilter, TaskRow};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::time::DAY_MS;

/// Tasks listed at most.
const MAX_LISTED: usize = 500;

/// What is asked of peers and by peers: all that is open, and what ended within a day.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tasks {
    /// Only this peer's.
    pub peer: Option<String>,
    /// Also what ended long ago, as far as it is kept.
    pub all: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TaskInfo {
    pub id: String,
    pub peer: PeerId,
    pub peer_name: Option<AgentName>,
    /// As it was asked for: perhaps no skill at all.
    pub skill: String,
    /// A peer asked us; otherwise we asked it.
    pub inbound: bool,
    pub state: TaskState,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub done_ms: Option<i64>,
    pub expires_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Ours: for the peer to be reached. A peer's: for its turn.
    Waiting,
    /// The peer has it.
    Sent,
    Running,
    /// A peer's: the answer is ready and waits for the peer to take it.
    Answered,
    Done,
    Failed,
    Cancelled,
    /// Nobody waited for the answer any more.
    Abandoned,
    Expired,
}

impl TaskState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
        }
    }

    fn of(row: &TaskRow) -> Self {
        match row.direction {
            Direction::Inbound(InboundState::Received) => Self::Waiting,
            Direction::Inbound(InboundState::Running) => Self::Running,
            Direction::Inbound(InboundState::Done) if row.in_outbox => Self::Answered,
            Direction::Outbound(OutboundState::Waiting) if row.running => Self::Running,
            Direction::Outbound(OutboundState::Waiting) if row.in_outbox => Self::Waiting,
            Direction::Outbound(OutboundState::Waiting) => Self::Sent,
            Direction::Inbound(InboundState::Done) | Direction::Outbound(OutboundState::Done) => Self::Done,
            Direction::Outbound(OutboundState::Failed) => Self::Failed,
            Direction::Outbound(OutboundState::Cancelled) => Self::Cancelled,
            Direction::Outbound(OutboundState::Abandoned) => Self::Abandoned,
            Direction::Outbound(OutboundState::Expired) => Self::Expired,
        }
    }
}

impl Operation for Tasks {
    type Answer = Vec<TaskInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<TaskInfo>, OpError> {
        let peer = match &self.peer {
            Some(peer) => Some(agent.find_peer(peer).await?),
            None => None,
        };
        let look = agent.state.run(move |tx| {
            tx.store.expire_outbound(tx.now)?;
            let since_ms = if self.all { i64::MIN } else { tx.now.saturating_sub(DAY_MS) };
            let rows = tx.store.tasks(&TaskFilter { peer, since_ms, limit: MAX_LISTED })?;
            Ok((rows, tx.store.peers()?))
        });
        let (rows, peers) = look.await?;
        let names: HashMap<_, _> = peers.into_iter().filter_map(|peer| Some((peer.id, peer.name?))).collect();
        let told = |row: TaskRow| TaskInfo {
            state: TaskState::of(&row),
            inbound: matches!(row.direction, Direction::Inbound(_)),
            peer_name: names.get(&row.peer).cloned(),
            id: row.id,
            peer: row.peer,
            skill: row.skill,
            at_ms: row.at_ms,
            done_ms: row.done_ms,
            expires_ms: row.expires_ms,
        };
        Ok(rows.into_iter().map(told).collect())
    }
}

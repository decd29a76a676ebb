use std::collections::HashMap;

use coworker_api::ops::{TaskInfo, TaskState, Tasks};
use coworker_store::{Direction, InboundState, OutboundState, TaskFilter, TaskRow};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::time::DAY_MS;

/// Tasks listed at most.
const MAX_LISTED: usize = 500;

fn state(row: &TaskRow) -> TaskState {
    match row.direction {
        Direction::Inbound(InboundState::Received) => TaskState::Waiting,
        Direction::Inbound(InboundState::Running) => TaskState::Running,
        Direction::Inbound(InboundState::Done) if row.in_outbox => TaskState::Answered,
        Direction::Outbound(OutboundState::Waiting) if row.running => TaskState::Running,
        Direction::Outbound(OutboundState::Waiting) if row.in_outbox => TaskState::Waiting,
        Direction::Outbound(OutboundState::Waiting) => TaskState::Sent,
        Direction::Inbound(InboundState::Done) | Direction::Outbound(OutboundState::Done) => TaskState::Done,
        Direction::Outbound(OutboundState::Failed) => TaskState::Failed,
        Direction::Outbound(OutboundState::Cancelled) => TaskState::Cancelled,
        Direction::Outbound(OutboundState::Abandoned) => TaskState::Abandoned,
        Direction::Outbound(OutboundState::Expired) => TaskState::Expired,
    }
}

impl Run for Tasks {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<TaskInfo>, OpError> {
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
            state: state(&row),
            inbound: matches!(row.direction, Direction::Inbound(_)),
            peer_name: names.get(&row.peer).cloned(),
            id: row.id.to_string(),
            peer: row.peer,
            skill: row.skill,
            at_ms: row.at_ms,
            done_ms: row.done_ms,
            expires_ms: row.expires_ms,
        };
        Ok(rows.into_iter().map(told).collect())
    }
}

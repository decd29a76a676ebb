use coworker_channel::Message;
use coworker_policy::{PeerId, RequestId};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;

/// Asks a peer for a sign of life, over the encrypted session.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ping {
    pub peer: String,
    /// Seconds.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Pong {
    pub peer: PeerId,
    pub round_trip_ms: f64,
}

impl Operation for Ping {
    type Answer = Pong;

    async fn run(self, agent: &Agent) -> Result<Pong, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let id = RequestId::random();
        let asked = tokio::time::Instant::now();
        match agent.links.ask(peer, id, Message::Ping { id }, checked_timeout(self.timeout)?).await? {
            Message::Pong { .. } => Ok(Pong { peer, round_trip_ms: asked.elapsed().as_secs_f64() * 1000.0 }),
            other => Err(unexpected(other)),
        }
    }
}

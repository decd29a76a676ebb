use coworker_api::ops::{Ping, Pong};
use coworker_channel::Message;
use coworker_policy::RequestId;

use super::Run;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for Ping {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Pong, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let id = RequestId::random();
        let asked = tokio::time::Instant::now();
        match agent.links.ask(peer, id, Message::Ping { id }, checked_timeout(self.timeout)?).await? {
            Message::Pong { .. } => Ok(Pong { peer, round_trip_ms: asked.elapsed().as_secs_f64() * 1000.0 }),
            other => Err(unexpected(other)),
        }
    }
}

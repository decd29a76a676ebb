use std::time::Duration;

use coworker_channel::{Message, RequestId};
use coworker_policy::{AgentName, Card, ErrorCode, PeerId};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;
use crate::outbound;

/// Asks a peer what it shows us.
#[derive(Debug, Serialize, Deserialize)]
pub struct Discover {
    pub peer: String,
    /// Seconds.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Discovered {
    pub peer: PeerId,
    pub name: AgentName,
    pub skills: Vec<Card>,
}

impl Operation for Discover {
    type Answer = Discovered;

    async fn run(self, agent: &Agent) -> Result<Discovered, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        ask(agent, peer, self.timeout).await
    }
}

pub(super) async fn ask(agent: &Agent, peer: PeerId, timeout: f64) -> Result<Discovered, OpError> {
    let id = RequestId::random();
    let question = Message::Discover { id, name: Some(agent.config.name.clone()) };
    match outbound::ask(agent, peer, id, question, patience(timeout)?).await? {
        Message::Capabilities { name, cards, .. } => Ok(Discovered { peer, name, skills: cards }),
        other => Err(unexpected(other)),
    }
}

/// Seconds that a person gave, as a duration: more than 0, at most a day.
pub(super) fn patience(seconds: f64) -> Result<Duration, OpError> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(patience) if !patience.is_zero() && seconds <= 86_400.0 => Ok(patience),
        _ => Err(OpError::new(ErrorCode::Usage, "--timeout takes seconds, more than 0 and at most 86400")),
    }
}

/// The peer answered with something else: an error, or nonsense.
pub(super) fn unexpected(answer: Message) -> OpError {
    match answer {
        Message::Error { code, message, .. } | Message::TaskError { code, message, .. } => {
            OpError::from_peer(code, message.to_string())
        }
        _ => OpError::from_peer(ErrorCode::Internal, "the peer's answer does not fit the question"),
    }
}

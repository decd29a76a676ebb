use std::time::Duration;

use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;

/// Asks a peer's owner for more trust, and waits a while for the answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustAsk {
    pub peer: String,
    pub tier: Tier,
    pub reason: Text,
    /// Seconds to wait for the owner; the request stands whether or not they answer in time.
    pub wait: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TrustAsked {
    pub peer: PeerId,
    /// The peer's answer: the tier it granted. `None` while its owner has not answered.
    pub granted: Option<Tier>,
    pub answered: bool,
}

impl Operation for TrustAsk {
    type Answer = TrustAsked;

    async fn run(self, agent: &Agent) -> Result<TrustAsked, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let id = RequestId::random();
        let question = Message::TrustRequest { id, tier: self.tier, reason: self.reason };
        let wait = if self.wait > 0.0 { checked_timeout(self.wait)? } else { Duration::from_secs(2) };
        match agent.links.ask(peer, id, question, wait).await {
            Ok(Message::TrustGrant { tier, .. }) => {
                Ok(TrustAsked { peer, granted: Some(tier), answered: true })
            }
            Ok(Message::TrustDeny { .. }) => Ok(TrustAsked { peer, granted: None, answered: true }),
            Ok(other) => Err(unexpected(other)),
            Err(error) if error.code == ErrorCode::Deadline => {
                Ok(TrustAsked { peer, granted: None, answered: false })
            }
            Err(error) => Err(error),
        }
    }
}

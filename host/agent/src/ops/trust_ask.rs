use std::time::Duration;

use coworker_api::ops::{TrustAsk, TrustAsked};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId};

use super::Run;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for TrustAsk {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<TrustAsked, OpError> {
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

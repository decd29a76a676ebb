use coworker_api::ops::{TrustAccept, TrustAnswered, TrustDeny, Trusted};
use coworker_channel::Message;
use coworker_policy::trust::Reason;
use coworker_policy::{ErrorCode, PeerId, RequestId, Tier};

use super::Run;
use super::trust_set::{Word, decide};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for TrustAccept {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<TrustAnswered, OpError> {
        // Before the request is taken: what cannot be granted leaves it where it is.
        self.ends.terms()?;
        let (peer, asked, id) = take(agent, &self.peer).await?;
        let tier = Some(self.tier.unwrap_or(asked));
        let word = Word { tier, ends: self.ends, reason: Reason::Accepted, note: self.reason };
        let Trusted { tier, lease, .. } = decide(agent, peer, word).await?;
        tell(agent, peer, Message::TrustGrant { id, tier }).await?;
        Ok(TrustAnswered { peer, tier, granted: true, lease })
    }
}

impl Run for TrustDeny {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<TrustAnswered, OpError> {
        let (peer, _, id) = take(agent, &self.peer).await?;
        tell(agent, peer, Message::TrustDeny { id }).await?;
        Ok(TrustAnswered { peer, tier: agent.trust.tier(peer), granted: false, lease: None })
    }
}

async fn take(agent: &Agent, typed: &str) -> Result<(PeerId, Tier, RequestId), OpError> {
    let peer = agent.find_peer(typed).await?;
    let request = agent.state.run(move |tx| Ok(tx.store.take_trust_request(peer)?)).await?;
    let request = request.ok_or_else(|| {
        OpError::new(ErrorCode::Usage, "this peer did not ask for trust")
            .suggest("see who did", ["trust", "requests"])
            .suggest("decide yourself", ["trust", "set", "PEER", "TIER"])
    })?;
    Ok((peer, request.tier, request.id))
}

/// The answer waits in the outbox if the peer is away.
async fn tell(agent: &Agent, peer: PeerId, message: Message) -> Result<(), OpError> {
    agent.state.run(move |tx| tx.post(peer, &message)).await?;
    agent.links.deliver_mail(peer);
    Ok(())
}

use coworker_policy::gate::Caller;
use coworker_policy::{PeerId, Tier};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;
use crate::{audit, direct};

/// Decides what we think of a peer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustSet {
    pub peer: String,
    pub tier: Tier,
}

/// Takes a decision back: the peer is UNTRUSTED again.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustRemove {
    pub peer: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Trusted {
    pub peer: PeerId,
    pub before: Tier,
    pub tier: Tier,
}

impl Operation for TrustSet {
    type Answer = Trusted;

    async fn run(self, agent: &Agent) -> Result<Trusted, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        decide(agent, peer, Some(self.tier), "set by the owner").await
    }
}

impl Operation for TrustRemove {
    type Answer = Trusted;

    async fn run(self, agent: &Agent) -> Result<Trusted, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        decide(agent, peer, None, "removed by the owner").await
    }
}

/// Writes the decision down, then puts it in force: the next message is judged by it, and if it takes
/// something away, calls of the peer that run now are stopped.
pub(super) async fn decide(
    agent: &Agent,
    peer: PeerId,
    tier: Option<Tier>,
    reason: &'static str,
) -> Result<Trusted, OpError> {
    // One change at a time, so that memory ends up as the last one left the disk.
    let _one = agent.changing.lock().await;
    let after = tier.unwrap_or_default();
    let before = agent
        .desk
        .run(move |work| {
            let before = work.tx.tier(peer)?;
            match tier {
                Some(tier) => work.tx.set_tier(peer, tier, reason, work.now)?,
                None => drop(work.tx.remove_tier(peer)?),
            }
            audit::trust_set(work, peer, before, after, reason)?;
            Ok(before)
        })
        .await?;
    agent.trust.set(peer, tier);
    if after < before {
        agent.running.revoke_caller(Caller::Peer(peer));
    }
    direct::tier_changed(agent).await?;
    Ok(Trusted { peer, before, tier: after })
}

use coworker_policy::{AgentName, PeerId, Text, Tier};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;

/// The owner's decisions. Who is not on the list is UNTRUSTED.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustList {}

#[derive(Debug, Serialize, Deserialize)]
pub struct Decision {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    pub tier: Tier,
    pub reason: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Peers that asked for trust and wait for the owner's answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustRequests {}

#[derive(Debug, Serialize, Deserialize)]
pub struct TrustRequestInfo {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// The tier it asks for.
    pub tier: Tier,
    /// In its own words.
    pub reason: Text,
    pub at_ms: i64,
}

impl Operation for TrustList {
    type Answer = Vec<Decision>;

    async fn run(self, agent: &Agent) -> Result<Vec<Decision>, OpError> {
        let decisions = agent.desk.run(|work| {
            let decision = |row: coworker_store::Trusted| {
                let name = work.tx.peer(row.peer)?.and_then(|peer| peer.name);
                Ok(Decision { peer: row.peer, name, tier: row.tier, reason: row.reason, at_ms: row.at_ms })
            };
            work.tx.tiers()?.into_iter().map(decision).collect()
        });
        Ok(decisions.await?)
    }
}

impl Operation for TrustRequests {
    type Answer = Vec<TrustRequestInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<TrustRequestInfo>, OpError> {
        let requests = agent.desk.run(|work| {
            let request = |row: coworker_store::TrustRequest| {
                let name = work.tx.peer(row.peer)?.and_then(|peer| peer.name);
                let reason = Text::sanitized(&row.reason);
                Ok(TrustRequestInfo { peer: row.peer, name, tier: row.tier, reason, at_ms: row.at_ms })
            };
            work.tx.trust_requests()?.into_iter().map(request).collect()
        });
        Ok(requests.await?)
    }
}

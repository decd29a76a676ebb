use coworker_policy::{AgentName, PeerId, Text, Tier};
use coworker_store::TrustRow;
use serde::{Deserialize, Serialize};

use super::Operation;
use super::lease::LeaseInfo;
use crate::agent::Agent;
use crate::base::error::OpError;

/// The owner's decisions. Who is not on the list is UNTRUSTED.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustList {}

#[derive(Debug, Serialize, Deserialize)]
pub struct Decision {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// What the peer is now.
    pub tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
    /// Of its requests, since the decision: malformed, refused or over a quota.
    pub faults_as_caller: u32,
    /// Of our calls, since the decision: those that failed there by its fault.
    pub faults_as_provider: u32,
    /// Why it was decided.
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
        let decisions = agent.state.run(|tx| {
            let now = tx.now;
            let decision = |TrustRow { peer, trust, reason, at_ms }| {
                Ok(Decision {
                    peer,
                    name: tx.store.peer(peer)?.and_then(|peer| peer.name),
                    tier: trust.tier_at(now),
                    lease: LeaseInfo::of(&trust, now),
                    faults_as_caller: trust.as_caller().total,
                    faults_as_provider: trust.as_provider().total,
                    reason,
                    at_ms,
                })
            };
            tx.store.trust_rows()?.into_iter().map(decision).collect()
        });
        Ok(decisions.await?)
    }
}

impl Operation for TrustRequests {
    type Answer = Vec<TrustRequestInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<TrustRequestInfo>, OpError> {
        let requests = agent.state.run(|tx| {
            let request = |row: coworker_store::TrustRequest| {
                let name = tx.store.peer(row.peer)?.and_then(|peer| peer.name);
                let reason = Text::sanitized(&row.reason);
                Ok(TrustRequestInfo { peer: row.peer, name, tier: row.tier, reason, at_ms: row.at_ms })
            };
            tx.store.trust_requests()?.into_iter().map(request).collect()
        });
        Ok(requests.await?)
    }
}

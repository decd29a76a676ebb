use std::path::PathBuf;

use coworker_policy::{AgentName, PeerId};
use serde::{Deserialize, Serialize};

use super::{ModelInfo, Operation, PeerInfo, Peers};
use crate::agent::Agent;
use crate::base::config::Mode;
use crate::base::error::OpError;

/// How the agent is, at a glance.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {}

#[derive(Debug, Serialize, Deserialize)]
pub struct StatusInfo {
    pub name: AgentName,
    pub id: PeerId,
    pub version: String,
    pub data: PathBuf,
    /// The process that holds the agent now.
    pub pid: u32,
    /// True if that process listens for peers.
    pub listening: bool,
    pub network: Mode,
    pub addresses: Vec<String>,
    pub relay: Option<String>,
    /// Relays that the configuration names.
    pub relays: Vec<String>,
    pub relay_connected: bool,
    /// Where peers that the owner accepted reach this agent directly.
    pub direct_addresses: Vec<String>,
    pub skills_installed: usize,
    pub skills_exposed: usize,
    /// Why policy files cannot be used; the skills of their components are hidden.
    pub broken_policies: Vec<String>,
    pub peers_known: usize,
    pub peers_connected: usize,
    /// Those that are connected, or that the owner gave a tier or connected to.
    pub peers: Vec<PeerInfo>,
    pub trust_requests: usize,
    pub model: ModelInfo,
}

impl Operation for Status {
    type Answer = StatusInfo;

    async fn run(self, agent: &Agent) -> Result<StatusInfo, OpError> {
        let snapshot = agent.catalog.snapshot();
        let requests = agent.state.run(|tx| Ok(tx.store.trust_requests()?.len())).await?;
        let mut peers = Peers {}.run(agent).await?;
        let known = peers.len();
        peers.retain(|peer| peer.connected || peer.ours);
        let network = agent.links.running_network().map(|network| super::network::now(agent, network));
        let listening = network.is_some();
        let (addresses, direct_addresses, relay, relay_connected) = network
            .map(|now| (now.addresses, now.direct_addresses, now.relay, now.relay_connected))
            .unwrap_or_default();
        Ok(StatusInfo {
            name: agent.core.config.name.clone(),
            id: agent.core.us,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data: agent.core.home.dir().to_owned(),
            pid: std::process::id(),
            listening,
            network: agent.core.config.network.mode,
            addresses,
            relay,
            relays: agent.core.config.network.relays.clone(),
            relay_connected,
            direct_addresses,
            skills_installed: snapshot.skills().count(),
            skills_exposed: snapshot.exposed(),
            broken_policies: snapshot
                .components()
                .filter_map(|(_, written)| written.broken.clone())
                .collect(),
            peers_known: known,
            peers_connected: peers.iter().filter(|peer| peer.connected).count(),
            peers,
            trust_requests: requests,
            model: ModelInfo::of(agent.model.setup()),
        })
    }
}

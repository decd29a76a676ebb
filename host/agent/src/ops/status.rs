use std::path::PathBuf;

use coworker_net::Network;
use coworker_policy::{AgentName, PeerId};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::config::Mode;
use crate::error::OpError;

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
    pub skills_installed: usize,
    pub skills_exposed: usize,
    /// Why policy files cannot be used; the skills of their components are hidden.
    pub broken_policies: Vec<String>,
    pub peers_known: usize,
    pub peers_connected: usize,
    pub trust_requests: usize,
}

impl Operation for Status {
    type Answer = StatusInfo;

    async fn run(self, agent: &Agent) -> Result<StatusInfo, OpError> {
        let shelf = agent.catalog.shelf();
        let (known, connected, requests) = agent
            .desk
            .run(|work| {
                let peers = work.tx.peers()?;
                let connected = peers.iter().filter(|peer| work.is_linked(peer.id)).count();
                Ok((peers.len(), connected, work.tx.trust_requests()?.len()))
            })
            .await?;
        let network = agent.running_network();
        let addresses = network.map(Network::addresses).unwrap_or_default();
        Ok(StatusInfo {
            name: agent.config.name.clone(),
            id: agent.us,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data: agent.home.dir().to_owned(),
            pid: std::process::id(),
            listening: network.is_some(),
            network: agent.config.network.mode,
            addresses: addresses.iter().map(ToString::to_string).collect(),
            relay: network.and_then(Network::home_relay),
            skills_installed: shelf.skills().count(),
            skills_exposed: shelf.exposed(),
            broken_policies: shelf.components().filter_map(|(_, written)| written.broken.clone()).collect(),
            peers_known: known,
            peers_connected: connected,
            trust_requests: requests,
        })
    }
}

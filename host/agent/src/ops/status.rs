use coworker_api::ops::{Peers, Status, StatusInfo};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for Status {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<StatusInfo, OpError> {
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
            model: agent.model.setup().into(),
        })
    }
}

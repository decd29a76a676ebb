use std::time::Duration;

use coworker_api::ops::{NetworkInfo, NetworkLook};
use coworker_net::Network;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::network::network_failed;

/// How long a relay may take before it counts as out of reach.
const RELAY: Duration = Duration::from_secs(5);
/// How long it may take to tell us our public address after that.
const DISCOVERY: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);

impl Run for NetworkLook {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<NetworkInfo, OpError> {
        let network = agent.links.network().await.map_err(|error| network_failed(&error))?;
        if !agent.core.config.network.relays.is_empty() {
            within(RELAY, || network.is_relay_connected()).await;
        }
        if network.is_relay_connected() {
            within(DISCOVERY, || !now(agent, network).only_inside).await;
        }
        Ok(now(agent, network))
    }
}

async fn within(limit: Duration, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(POLL).await;
        }
    };
    // Too late is an answer, too.
    let _ = tokio::time::timeout(limit, wait).await;
}

/// How it is at this moment.
pub(super) fn now(agent: &Agent, network: &Network) -> NetworkInfo {
    let config = &agent.core.config.network;
    let direct = network.direct_card(agent.core.us).map(|card| card.addresses).unwrap_or_default();
    // Only a relay with a certificate tells addresses.
    let asks = network.is_relay_connected() && config.relays.iter().any(|url| url.starts_with("https://"));
    NetworkInfo {
        mode: config.mode,
        addresses: network.addresses().iter().map(ToString::to_string).collect(),
        only_inside: asks && !direct.iter().any(|address| is_public(address.ip())),
        direct_addresses: direct.iter().map(ToString::to_string).collect(),
        relays: config.relays.clone(),
        relay: network.home_relay(),
        relay_connected: network.is_relay_connected(),
    }
}

fn is_public(ip: std::net::IpAddr) -> bool {
    match ip.to_canonical() {
        std::net::IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        std::net::IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

//! The network of this agent: started when it is first needed, or handed in.

use coworker_net::{Exposure, NetError, Network, Options};
use coworker_policy::ErrorCode;

use crate::base::core::KeyFor;
use crate::base::error::OpError;
use crate::link::links::Links;
use crate::link::nearby::{self, Notice};
use coworker_api::ops::Mode;

impl Links {
    /// The network, started if it was not; from then on this agent also answers.
    pub(crate) async fn network(&self) -> Result<&Network, NetError> {
        let started = self.network.get_or_try_init(|| self.start_network()).await?;
        Ok(&started.0)
    }

    pub(crate) fn running_network(&self) -> Option<&Network> {
        self.network.get().map(|(network, _)| network)
    }

    /// Answers on a network that is there already, instead of starting one.
    pub(crate) fn answer_on(&self, network: Network) {
        let _ = self.network.set((network.clone(), None));
        self.answer(network);
    }

    async fn start_network(&self) -> Result<(Network, Option<Notice>), NetError> {
        let core = &self.core;
        let config = &core.config.network;
        let network = Network::iroh(
            core.seed(),
            Options {
                bind: config.bind,
                exposure: match config.mode {
                    Mode::Local => Exposure::Open { mdns: true },
                    Mode::Public => Exposure::Split { direct: core.key(KeyFor::DirectEndpoint) },
                },
                relays: config.relays.clone(),
                relay_ca: core.home.relay_ca(config).map_err(|error| NetError::BadRelayCa(error.into()))?,
            },
        )
        .await?;
        let notice = (config.mode == Mode::Local)
            .then(|| nearby::announce(core.home.dir(), core.us, &network.addresses()))
            .flatten();
        if self.has_direct_endpoint() {
            let changes = self.trust.changes();
            // Before the first connection: the direct endpoint is silent to peers that are not admitted.
            if let Err(error) = self.review_direct(&network).await {
                tracing::warn!(%error, "cannot open the direct endpoint to accepted peers");
            }
            core.tasks.spawn(self.clone().keep_direct(network.clone(), changes));
        }
        self.answer(network.clone());
        Ok((network, notice))
    }

    fn answer(&self, network: Network) {
        self.core.tasks.spawn(self.clone().accept(network));
        self.core.tasks.spawn(self.trust.clone().watch_leases());
    }

    /// Ends all connections.
    pub(crate) async fn close_network(&self) {
        if let Some(network) = self.running_network() {
            network.close().await;
        }
    }
}

/// A fault of the network as the owner reads it.
pub(crate) fn network_failed(error: &NetError) -> OpError {
    let fault = OpError::fault(error);
    let fix = match error {
        NetError::NoRelay => "name a relay in config.toml: relays = [\"https://relay.example.org\"]",
        NetError::BadRelay { .. } => "correct `relays` in config.toml",
        NetError::BadRelayCa(_) => "set `relay_ca` in config.toml to a PEM file",
        NetError::Bind { .. } => "choose another address for `bind` in config.toml, or leave it out",
        _ => return OpError { code: ErrorCode::PeerUnreachable, ..fault },
    };
    OpError { code: ErrorCode::Usage, ..fault }.hint(fix)
}

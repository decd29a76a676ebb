//! One endpoint: what it listens on, whom it contacts unasked, and its way back when a relay dies.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iroh::endpoint::{PortmapperConfig, QuicTransportConfig, RelayStatus, VarInt, presets};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, RelayConfig, RelayMap, RelayMode, RelayUrl, SecretKey, Watcher as _};
use tokio::time::{Instant, timeout};

use crate::NetError;
use crate::door::{Door, listen};

pub(crate) const ALPN: &[u8] = b"coworker/1";

/// A silent path is probed and given up this fast, so that a lost direct path stalls calls for seconds, not tens.
const PATH_KEEP_ALIVE: Duration = Duration::from_millis(1500);
const PATH_IDLE: Duration = Duration::from_secs(5);
/// A killed peer says nothing, so this is how long it takes to notice. The probes above keep a live one well
/// inside it; a link lost by mistake is dialled again.
const CONNECTION_IDLE_MS: u32 = 8_000;

/// What a peer may send on a stream before we have read it.
const WINDOW: u32 = 2 << 20;

/// How long leaving waits for peers to acknowledge it.
const FAREWELL: Duration = Duration::from_secs(1);

/// What an endpoint is made from, each time anew.
pub(crate) struct Plan {
    pub(crate) key: SecretKey,
    pub(crate) sockets: Sockets,
    pub(crate) relays: Vec<RelayUrl>,
    /// Who vouches for the relays' names, if not only the public authorities.
    pub(crate) roots: Option<CaTlsConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// None at all: nobody can learn an address from an endpoint that has none.
    None,
    AllInterfaces,
    At(SocketAddr),
}

impl Plan {
    /// The only place that decides what we listen on and whom we contact unasked.
    async fn bind(&self) -> Result<Endpoint, NetError> {
        // `Minimal` contacts nobody: no public relays, no lookup servers. The port mapper would probe the gateway.
        let mut builder = Endpoint::builder(presets::Minimal)
            .secret_key(self.key.clone())
            .alpns(vec![ALPN.to_vec()])
            .portmapper_config(PortmapperConfig::Disabled)
            .transport_config(transport(1))
            .relay_mode(self.relay_mode());
        if let Some(roots) = &self.roots {
            builder = builder.ca_tls_config(roots.clone());
        }
        let address = match self.sockets {
            Sockets::At(address) => Some(address),
            Sockets::None | Sockets::AllInterfaces => None,
        };
        let refused = |source: Box<dyn std::error::Error + Send + Sync>| NetError::Bind { address, source };
        if self.sockets != Sockets::AllInterfaces {
            // iroh listens on all interfaces of the other address family as well, unless told not to.
            builder = builder.clear_ip_transports();
        }
        if let Some(address) = address {
            builder = builder.bind_addr(address).map_err(|error| refused(error.into()))?;
        }
        builder.bind().await.map_err(|error| refused(error.into()))
    }

    fn relay_mode(&self) -> RelayMode {
        if self.relays.is_empty() {
            return RelayMode::Disabled;
        }
        RelayMode::Custom(self.relays.iter().map(|url| self.relay(url)).collect::<RelayMap>())
    }

    /// A relay also tells us our public address, which an endpoint for strangers must not even know.
    fn relay(&self, url: &RelayUrl) -> RelayConfig {
        let asks = self.sockets != Sockets::None && url.scheme() == "https";
        RelayConfig::new(url.clone(), asks.then(Default::default))
    }
}

/// `streams`: how many the other side may open. Nothing but the dialler's one stream is ever accepted.
pub(crate) fn transport(streams: u32) -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .max_idle_timeout(Some(VarInt::from_u32(CONNECTION_IDLE_MS).into()))
        .default_path_max_idle_timeout(PATH_IDLE)
        .default_path_keep_alive_interval(PATH_KEEP_ALIVE)
        .build()
}

/// A key's endpoint for as long as we are on the network, though it may be built anew underneath.
pub(crate) struct Station {
    plan: Plan,
    door: Door,
    endpoint: Mutex<Endpoint>,
    /// Cloned into every link, so that their number is known.
    links: Arc<()>,
}

impl Station {
    /// Listens until the door's links shut down.
    pub(crate) async fn open(plan: Plan, door: Door) -> Result<Arc<Self>, NetError> {
        let endpoint = plan.bind().await?;
        let shutdown = door.links.shutdown.clone();
        let links = Arc::clone(&door.station);
        let station = Arc::new(Self { plan, door, endpoint: Mutex::new(endpoint.clone()), links });
        // Not among the links' tasks: those are waited for before the endpoint that this one listens on closes.
        tokio::spawn(listen(endpoint, station.door.clone()));
        if !station.plan.relays.is_empty() {
            let watched = Arc::clone(&station);
            tokio::spawn(async move {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = watched.watch_relay() => {}
                }
            });
        }
        Ok(station)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn relays(&self) -> &[RelayUrl] {
        &self.plan.relays
    }

    pub(crate) fn has_sockets(&self) -> bool {
        self.plan.sockets != Sockets::None
    }

    /// What a link of this station holds as long as it lives.
    pub(crate) fn seat(&self) -> Arc<()> {
        Arc::clone(&self.links)
    }

    /// How many links the station has.
    fn load(&self) -> usize {
        // One is ours, one the door's.
        Arc::strong_count(&self.links).saturating_sub(2)
    }

    /// Never returns. iroh waits up to half a minute between tries to reach a relay that came back, and as long
    /// before it looks for another one.
    async fn watch_relay(&self) {
        loop {
            let endpoint = self.endpoint();
            let mut status = endpoint.home_relay_status();
            while is_up(&status.get()) {
                if status.updated().await.is_err() {
                    return std::future::pending().await;
                }
            }
            self.bring_back(Instant::now()).await;
        }
    }

    /// Returns when some relay is connected.
    async fn bring_back(&self, lost: Instant) {
        let mut tried = lost;
        loop {
            let endpoint = self.endpoint();
            let mut status = endpoint.home_relay_status();
            let up = async { while !is_up(&status.get()) && status.updated().await.is_ok() {} };
            if timeout(pause(tried - lost), up).await.is_ok() {
                return;
            }
            tried = Instant::now();
            // Whoever is connected keeps its endpoint: links outlive a short absence of the relay, and a direct
            // one does not need it.
            if self.has_sockets() || self.load() > 0 {
                self.look_again(&endpoint).await;
            } else if let Err(error) = self.rebuild().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot open the endpoint anew");
            }
        }
    }

    /// Has all relays measured now, which is when the next one of the list takes over.
    async fn look_again(&self, endpoint: &Endpoint) {
        for url in self.plan.relays.iter().take(1) {
            endpoint.insert_relay(url.clone(), Arc::new(self.plan.relay(url))).await;
        }
    }

    /// Starts with a fresh endpoint of the same key. It has no socket, so there is no port to lose.
    async fn rebuild(&self) -> Result<(), NetError> {
        let fresh = self.plan.bind().await?;
        tracing::debug!("the relay is gone: trying with a fresh endpoint");
        let old = {
            let mut endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *endpoint, fresh.clone())
        };
        tokio::spawn(listen(fresh, self.door.clone()));
        leave(old).await;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        leave(self.endpoint()).await;
    }
}

async fn leave(endpoint: Endpoint) {
    // It says goodbye at once, then waits for the slowest peer: three seconds for one that never answered.
    let closing = tokio::spawn(async move { endpoint.close().await });
    if timeout(FAREWELL, closing).await.is_err() {
        tracing::debug!("some peers did not acknowledge our leaving");
    }
}

fn is_up(relays: &[RelayStatus]) -> bool {
    relays.iter().any(RelayStatus::is_connected)
}

/// How long to wait for a relay that has been away for `away`: the longer it is, the less it is asked.
fn pause(away: Duration) -> Duration {
    (away / 4).clamp(Duration::from_secs(2), Duration::from_secs(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_stays_away_is_asked_less_and_less() {
        let seconds = |away| pause(Duration::from_secs(away)).as_secs();
        assert_eq!([0, 8, 20, 60, 3600].map(seconds), [2, 2, 5, 15, 15]);
    }

    #[test]
    fn an_endpoint_for_strangers_asks_no_relay_for_its_address() {
        let url: RelayUrl = "https://relay.example".parse().unwrap();
        let plan =
            |sockets| Plan { key: SecretKey::from_bytes(&[1; 32]), sockets, relays: Vec::new(), roots: None };
        assert!(plan(Sockets::None).relay(&url).quic.is_none());
        assert!(plan(Sockets::AllInterfaces).relay(&url).quic.is_some());
        assert!(plan(Sockets::AllInterfaces).relay(&"http://relay.example".parse().unwrap()).quic.is_none());
    }
}

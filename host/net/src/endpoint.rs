//! One iroh endpoint: its sockets, its outgoing contacts, and its recovery after the loss of a relay.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iroh::endpoint::{PortmapperConfig, QuicTransportConfig, RelayStatus, VarInt, presets};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, RelayConfig, RelayMap, RelayMode, RelayUrl, SecretKey, Watcher as _};
use tokio::time::{Instant, timeout};

use crate::error::NetError;
use crate::listener::{Listener, listen};

pub(crate) const ALPN: &[u8] = b"coworker/1";

/// A silent path is probed and given up this fast, so that a lost direct path stalls calls for a few seconds only.
const PATH_KEEP_ALIVE: Duration = Duration::from_millis(1500);
const PATH_IDLE: Duration = Duration::from_secs(5);
/// How long it takes to notice that a peer was killed. The probes above keep live connections open. A link that is
/// lost by mistake is redialled.
const CONNECTION_IDLE_MS: u32 = 8_000;

/// Most bytes that a peer may send on a stream before we have read them.
const WINDOW: u32 = 2 << 20;

/// How long closing waits for acknowledgements of the peers.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of an endpoint, used whenever it is rebuilt.
pub(crate) struct Settings {
    pub(crate) key: SecretKey,
    pub(crate) sockets: Sockets,
    pub(crate) relays: Vec<RelayUrl>,
    /// Certificate authorities of the relays, if there are others than the public ones.
    pub(crate) roots: Option<CaTlsConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// No socket, so that the endpoint has no address to reveal.
    None,
    AllInterfaces,
    At(SocketAddr),
}

impl Settings {
    /// Builds the endpoint. This is the only place that decides where we listen and which hosts we contact on our
    /// own.
    async fn bind(&self) -> Result<Endpoint, NetError> {
        // `Minimal` contacts no public relay and no lookup server. The port mapper would probe the gateway.
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

    /// A relay can tell us our public address. An endpoint without sockets must not know it.
    fn relay(&self, url: &RelayUrl) -> RelayConfig {
        let asks = self.sockets != Sockets::None && url.scheme() == "https";
        RelayConfig::new(url.clone(), asks.then(Default::default))
    }
}

/// `streams` is how many streams the other side may open. Only the dialler's one stream is ever accepted.
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

/// The endpoint of one key. It stays while we are on the network; the iroh endpoint in it may be rebuilt.
pub(crate) struct PersistentEndpoint {
    settings: Settings,
    listener: Listener,
    current: Mutex<Endpoint>,
    /// Cloned into every link, so that they can be counted.
    link_count: Arc<()>,
}

impl PersistentEndpoint {
    /// Listens until the listener's links shut down.
    pub(crate) async fn open(settings: Settings, listener: Listener) -> Result<Arc<Self>, NetError> {
        let endpoint = settings.bind().await?;
        let shutdown = listener.links.shutdown.clone();
        let link_count = Arc::clone(&listener.link_count);
        let this = Arc::new(Self { settings, listener, current: Mutex::new(endpoint.clone()), link_count });
        // Not one of the links' tasks: closing waits for those before it closes the endpoint that this one uses.
        tokio::spawn(listen(endpoint, this.listener.clone()));
        if !this.settings.relays.is_empty() {
            let watched = Arc::clone(&this);
            tokio::spawn(async move {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = watched.watch_relay() => {}
                }
            });
        }
        Ok(this)
    }

    pub(crate) fn current(&self) -> Endpoint {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn relays(&self) -> &[RelayUrl] {
        &self.settings.relays
    }

    pub(crate) fn has_sockets(&self) -> bool {
        self.settings.sockets != Sockets::None
    }

    /// A handle for a link of this endpoint to hold while it exists.
    pub(crate) fn counted(&self) -> Arc<()> {
        Arc::clone(&self.link_count)
    }

    /// The number of links of this endpoint.
    fn links(&self) -> usize {
        // One reference is ours, one the listener's.
        Arc::strong_count(&self.link_count).saturating_sub(2)
    }

    /// Reconnects to a relay after a loss. iroh alone waits up to half a minute between attempts to reach a relay,
    /// and as long before it tries another one. Never returns.
    async fn watch_relay(&self) {
        loop {
            let endpoint = self.current();
            let mut status = endpoint.home_relay_status();
            while is_up(&status.get()) {
                if status.updated().await.is_err() {
                    return std::future::pending().await;
                }
            }
            self.reconnect(Instant::now()).await;
        }
    }

    /// Returns when a relay is connected.
    async fn reconnect(&self, lost: Instant) {
        let mut tried = lost;
        loop {
            let endpoint = self.current();
            let mut status = endpoint.home_relay_status();
            let up = async { while !is_up(&status.get()) && status.updated().await.is_ok() {} };
            if timeout(retry_delay(tried - lost), up).await.is_ok() {
                return;
            }
            tried = Instant::now();
            // An endpoint with links is kept, because they survive a short absence of the relay, and direct ones do
            // not need it.
            if self.has_sockets() || self.links() > 0 {
                self.probe_relays(&endpoint).await;
            } else if let Err(error) = self.rebuild().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot rebuild the endpoint");
            }
        }
    }

    /// Makes iroh measure all relays now, after which it uses the next reachable one.
    async fn probe_relays(&self, endpoint: &Endpoint) {
        for url in self.settings.relays.iter().take(1) {
            endpoint.insert_relay(url.clone(), Arc::new(self.settings.relay(url))).await;
        }
    }

    /// Replaces the iroh endpoint by a new one of the same key. It has no socket, so no port changes.
    async fn rebuild(&self) -> Result<(), NetError> {
        let fresh = self.settings.bind().await?;
        tracing::debug!("the relay is unreachable; using a new endpoint");
        let old = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, fresh.clone())
        };
        tokio::spawn(listen(fresh, self.listener.clone()));
        close(old).await;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        close(self.current()).await;
    }
}

async fn close(endpoint: Endpoint) {
    // iroh notifies peers at once, then waits for the slowest one, three seconds if that one never answers.
    let closing = tokio::spawn(async move { endpoint.close().await });
    if timeout(CLOSE_TIMEOUT, closing).await.is_err() {
        tracing::debug!("some peers did not acknowledge the close");
    }
}

fn is_up(relays: &[RelayStatus]) -> bool {
    relays.iter().any(RelayStatus::is_connected)
}

/// The delay before the next attempt to reach a relay that has been away for `away`.
fn retry_delay(away: Duration) -> Duration {
    (away / 4).clamp(Duration::from_secs(2), Duration::from_secs(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retry_delay_grows_up_to_a_limit() {
        let seconds = |away| retry_delay(Duration::from_secs(away)).as_secs();
        assert_eq!([0, 8, 20, 60, 3600].map(seconds), [2, 2, 5, 15, 15]);
    }

    #[test]
    fn an_endpoint_without_sockets_does_not_ask_for_its_address() {
        let url: RelayUrl = "https://relay.example".parse().unwrap();
        let settings = |sockets| Settings {
            key: SecretKey::from_bytes(&[1; 32]),
            sockets,
            relays: Vec::new(),
            roots: None,
        };
        assert!(settings(Sockets::None).relay(&url).quic.is_none());
        assert!(settings(Sockets::AllInterfaces).relay(&url).quic.is_some());
        assert!(
            settings(Sockets::AllInterfaces).relay(&"http://relay.example".parse().unwrap()).quic.is_none()
        );
    }
}

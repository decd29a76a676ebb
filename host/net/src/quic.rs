//! The endpoint: listening, dialling, and who may take up how much of us before being known.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::PeerId;
use iroh::endpoint::{
    ConnectError, ConnectOptions, ConnectWithOptsError, Connecting, ConnectingError, Connection,
    ConnectionError, Incoming, Path, PortmapperConfig, QuicTransportConfig, RecvStream, SendStream, VarInt,
    presets,
};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, RelayUrl, SecretKey, TransportAddr};
use iroh_mdns_address_lookup::MdnsAddressLookup;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::link::{End, Links};
use crate::wire::{Sink, Source, Wire};
use crate::{Hints, Link, NetError, Options};

const ALPN: &[u8] = b"coworker/1";
const MDNS_NAME: &str = "coworker";

/// The first byte on the stream. Versions of what follows are told apart by it.
const VERSION: u8 = 1;

/// A silent path is probed and given up this fast, so that a lost direct path stalls calls for seconds, not tens.
const PATH_KEEP_ALIVE: Duration = Duration::from_millis(1500);
const PATH_IDLE: Duration = Duration::from_secs(5);
/// A killed peer says nothing, so this is how long it takes to notice. The probes above keep a live one well
/// inside it; a link lost by mistake is dialled again.
const CONNECTION_IDLE_MS: u32 = 10_000;

/// What a peer may send on a stream before we have read it.
const WINDOW: u32 = 2 << 20;

/// From a first packet to an open stream.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections in that state at one time. From half of it on, a first packet must prove its address.
const HALF_OPEN: usize = 64;
/// Links that peers opened, at one time.
const INBOUND: usize = 1024;

/// How long leaving waits for peers to acknowledge it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A peer's invite or message picks the hints, so we try only so many addresses.
const MAX_ADDRESSES: usize = 32;

const CODE_BUSY: VarInt = VarInt::from_u32(1);
const CODE_VERSION: VarInt = VarInt::from_u32(2);

pub(crate) struct Quic {
    endpoint: Endpoint,
    relay_only: bool,
}

impl Quic {
    /// Listens, and hands links that peers open to `arrivals` until `links` shuts down.
    pub(crate) async fn bind(
        seed: [u8; 32],
        options: &Options,
        links: Links,
        arrivals: mpsc::Sender<Link>,
    ) -> Result<Self, NetError> {
        let endpoint = endpoint(seed, options).await?;
        if options.mdns && !options.relay_only {
            announce(&endpoint);
        }
        let door = Door { links: links.clone(), arrivals, inbound: Arc::new(Semaphore::new(INBOUND)) };
        // Not among the links' tasks: those are waited for before the endpoint that this one listens on closes.
        tokio::spawn(listen(endpoint.clone(), door));
        Ok(Self { endpoint, relay_only: options.relay_only })
    }

    pub(crate) fn me(&self) -> PeerId {
        peer_id(self.endpoint.id())
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        if self.relay_only {
            return Vec::new();
        }
        let mut addresses: BTreeSet<SocketAddr> = self.endpoint.addr().ip_addrs().copied().collect();
        addresses.extend(self.endpoint.bound_sockets().into_iter().map(reachable_here));
        addresses.into_iter().collect()
    }

    pub(crate) fn home_relay(&self) -> Option<String> {
        self.endpoint.addr().relay_urls().next().map(ToString::to_string)
    }

    pub(crate) async fn dial(
        &self,
        peer: PeerId,
        hints: &Hints,
        limit: Duration,
        links: &Links,
    ) -> Result<Link, NetError> {
        let target = self.target(peer, hints)?;
        let (connection, send, receive) = timeout(limit, self.open(target))
            .await
            .map_err(|_| NetError::TimedOut { peer, after: limit })?
            .map_err(|error| error.into_net(peer, limit))?;
        Ok(links.start(end(connection, send, receive, true), None))
    }

    pub(crate) async fn close(&self) {
        let endpoint = self.endpoint.clone();
        // It says goodbye at once, then waits for the slowest peer: three seconds for one that never answered.
        let closing = tokio::spawn(async move { endpoint.close().await });
        if timeout(FAREWELL, closing).await.is_err() {
            tracing::debug!("some peers did not acknowledge our leaving");
        }
    }

    fn target(&self, peer: PeerId, hints: &Hints) -> Result<EndpointAddr, NetError> {
        let key = EndpointId::from_bytes(peer.as_bytes()).map_err(|_| NetError::BadKey(peer))?;
        let mut target = EndpointAddr::new(key);
        if !self.relay_only {
            for address in hints.addresses.iter().take(MAX_ADDRESSES) {
                target = target.with_ip_addr(*address);
            }
        }
        if let Some(url) = &hints.relay {
            target = target.with_relay_url(relay_url(url)?);
        }
        Ok(target)
    }

    /// Connects and opens the one stream. Streams appear at the peer with their first byte, so it is sent at once.
    async fn open(&self, target: EndpointAddr) -> Result<(Connection, SendStream, RecvStream), OpenError> {
        let options = ConnectOptions::new().with_transport_config(transport(0));
        let connecting: Connecting = self.endpoint.connect_with_opts(target, ALPN, options).await?;
        let connection = connecting.await?;
        let (mut send, receive) = connection.open_bi().await?;
        send.write_all(&[VERSION]).await.map_err(|error| OpenError::Failed(error.into()))?;
        Ok((connection, send, receive))
    }
}

/// Why a connection was not opened, before it is known to whom and within what time.
enum OpenError {
    TimedOut,
    Failed(Box<dyn Error + Send + Sync>),
}

impl OpenError {
    fn into_net(self, peer: PeerId, after: Duration) -> NetError {
        match self {
            Self::TimedOut => NetError::TimedOut { peer, after },
            Self::Failed(source) => NetError::Unreachable { peer, source },
        }
    }
}

impl From<ConnectWithOptsError> for OpenError {
    fn from(error: ConnectWithOptsError) -> Self {
        Self::Failed(ConnectError::from(error).into())
    }
}

impl From<ConnectingError> for OpenError {
    fn from(error: ConnectingError) -> Self {
        match error {
            ConnectingError::ConnectionError { source, .. } => source.into(),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<ConnectionError> for OpenError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::TimedOut => Self::TimedOut,
            other => Self::Failed(other.into()),
        }
    }
}

/// Builds the endpoint. The only place that decides what we listen on and whom we contact unasked.
async fn endpoint(seed: [u8; 32], options: &Options) -> Result<Endpoint, NetError> {
    let relays = options.relays.iter().map(|url| relay_url(url)).collect::<Result<Vec<_>, _>>()?;
    if options.relay_only && relays.is_empty() {
        return Err(NetError::NoRelay);
    }
    // `Minimal` contacts nobody: no public relays, no lookup servers. The port mapper would probe the gateway.
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(SecretKey::from_bytes(&seed))
        .alpns(vec![ALPN.to_vec()])
        .portmapper_config(PortmapperConfig::Disabled)
        .transport_config(transport(1))
        .relay_mode(if relays.is_empty() { RelayMode::Disabled } else { RelayMode::custom(relays) });
    let bind = if options.relay_only { None } else { options.bind };
    let refused = |source: Box<dyn Error + Send + Sync>| NetError::Bind { address: bind, source };
    if options.relay_only || bind.is_some() {
        // iroh listens on all interfaces of the other address family as well, unless told not to.
        builder = builder.clear_ip_transports();
    }
    if let Some(address) = bind {
        builder = builder.bind_addr(address).map_err(|error| refused(error.into()))?;
    }
    builder.bind().await.map_err(|error| refused(error.into()))
}

/// `streams`: how many the other side may open. Nothing but the dialler's one stream is ever accepted.
fn transport(streams: u32) -> QuicTransportConfig {
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

/// Multicast may be impossible here (no interface, a sandbox); the agent works without it.
fn announce(endpoint: &Endpoint) {
    let started = MdnsAddressLookup::builder().service_name(MDNS_NAME).build(endpoint.id());
    match (started, endpoint.address_lookup()) {
        (Ok(mdns), Ok(lookup)) => lookup.add(mdns),
        (Err(error), _) => tracing::warn!(error = &error as &dyn Error, "no discovery on the local network"),
        (_, Err(error)) => tracing::warn!(error = &error as &dyn Error, "no discovery on the local network"),
    }
}

/// Where links that peers open are let in.
#[derive(Clone)]
struct Door {
    links: Links,
    arrivals: mpsc::Sender<Link>,
    inbound: Arc<Semaphore>,
}

async fn listen(endpoint: Endpoint, door: Door) {
    let half_open = Arc::new(Semaphore::new(HALF_OPEN));
    loop {
        let incoming = tokio::select! {
            () = door.links.shutdown.cancelled() => return,
            incoming = endpoint.accept() => incoming,
        };
        match incoming {
            Some(incoming) => door.admit(incoming, &half_open),
            None => return,
        }
    }
}

impl Door {
    /// Anyone can send a first packet, from any claimed address, so little is spent on it.
    fn admit(&self, incoming: Incoming, half_open: &Arc<Semaphore>) {
        let Ok(slot) = Arc::clone(half_open).try_acquire_owned() else {
            incoming.refuse();
            return;
        };
        if half_open.available_permits() < HALF_OPEN / 2 && !incoming.remote_addr_validated() {
            // It fails for validated addresses only.
            drop(incoming.retry());
            return;
        }
        let door = self.clone();
        self.links.tasks.spawn(async move {
            tokio::select! {
                () = door.links.shutdown.cancelled() => {}
                result = timeout(HANDSHAKE, door.receive(incoming)) => match result {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(error = &*error as &dyn Error, "an incoming connection failed"),
                    Err(_) => tracing::debug!("an incoming connection took too long to open its stream"),
                },
            }
            drop(slot);
        });
    }

    async fn receive(&self, incoming: Incoming) -> Result<(), Box<dyn Error + Send + Sync>> {
        let connection = incoming.accept()?.await?;
        let Ok(slot) = Arc::clone(&self.inbound).try_acquire_owned() else {
            connection.close(CODE_BUSY, b"busy");
            return Err("too many links".into());
        };
        let (send, mut receive) = connection.accept_bi().await?;
        let mut version = [0];
        receive.read_exact(&mut version).await?;
        if version != [VERSION] {
            connection.close(CODE_VERSION, b"unknown version");
            return Err(format!("unknown stream version {}", version[0]).into());
        }
        self.deliver(end(connection, send, receive, false), slot).await;
        Ok(())
    }

    async fn deliver(&self, end: End, slot: OwnedSemaphorePermit) {
        // The seat first: a link that nobody takes is never started.
        if let Ok(seat) = self.arrivals.reserve().await {
            seat.send(self.links.start(end, Some(slot)));
        }
    }
}

fn end(connection: Connection, send: SendStream, receive: RecvStream, dialed: bool) -> End {
    End {
        peer: peer_id(connection.remote_id()),
        dialed,
        sink: Sink::Quic(send),
        source: Source::Quic(receive),
        wire: Wire::Quic(connection),
    }
}

/// What a connection runs over now.
pub(crate) fn path(connection: &Connection) -> String {
    let paths = connection.paths();
    let selected = paths.iter().find(Path::is_selected).or_else(|| paths.iter().next());
    match selected.map(|path| path.remote_addr().clone()) {
        Some(TransportAddr::Ip(address)) => format!("direct {address}"),
        Some(TransportAddr::Relay(url)) => format!("relay {url}"),
        _ => "none".to_owned(),
    }
}

fn peer_id(key: EndpointId) -> PeerId {
    PeerId::from_bytes(*key.as_bytes())
}

fn relay_url(text: &str) -> Result<RelayUrl, NetError> {
    text.parse::<RelayUrl>()
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| NetError::BadRelay { url: text.to_owned() })
}

/// Everywhere is not an address to dial; for this machine itself, loopback is.
fn reachable_here(mut socket: SocketAddr) -> SocketAddr {
    match socket.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => socket.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => socket.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    socket
}

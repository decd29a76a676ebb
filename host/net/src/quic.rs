//! An agent on iroh: its front door, its direct one, and the ways to those of others.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::PeerId;
use iroh::endpoint::{
    ConnectError, ConnectOptions, ConnectWithOptsError, Connecting, ConnectingError, Connection,
    ConnectionError, Path, RecvStream, SendStream,
};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayUrl, SecretKey, TransportAddr, Watcher as _};
use iroh_mdns_address_lookup::MdnsAddressLookup;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::admitted::{Admitted, DirectCard, Guest, MAX_ADDRESSES};
use crate::door::{Door, VERSION, end, offer};
use crate::link::{Held, Links};
use crate::path::{PathKind, Route};
use crate::station::{ALPN, Plan, Sockets, Station, transport};
use crate::{Doors, Hints, Link, NetError, Options};

const MDNS_NAME: &str = "coworker";

/// The direct way is tried alone for this long; whoever expelled us without our knowing is silent there.
const HEAD_START: Duration = Duration::from_secs(2);

/// Relays that one dial goes through: the peer's, and some of ours, as the peer's may be gone.
const MAX_RELAYS: usize = 4;

pub(crate) struct Quic {
    front: Arc<Station>,
    direct: Option<Arc<Station>>,
    /// `None`: no address of ours is for anyone.
    admitted: Option<Arc<Admitted>>,
    moves: watch::Receiver<()>,
}

impl Quic {
    /// Listens, and hands links that peers open to `arrivals` until `links` shuts down.
    pub(crate) async fn bind(
        seed: [u8; 32],
        options: &Options,
        links: Links,
        arrivals: mpsc::Sender<Link>,
    ) -> Result<Self, NetError> {
        let relays = options.relays.iter().map(|url| relay_url(url)).collect::<Result<Vec<_>, _>>()?;
        let roots = options.relay_ca.as_deref().map(roots).transpose()?;
        let sockets = options.bind.map_or(Sockets::AllInterfaces, Sockets::At);
        let plan = |seed: &[u8; 32], sockets| Plan {
            key: SecretKey::from_bytes(seed),
            sockets,
            relays: relays.clone(),
            roots: roots.clone(),
        };
        let shown = matches!(options.doors, Doors::Open { .. });
        if !shown && relays.is_empty() {
            return Err(NetError::NoRelay);
        }
        let admitted = options.doors.direct_seed(seed).map(|seed| Arc::new(Admitted::new(seed)));
        let door = || Door::new(links.clone(), arrivals.clone(), admitted.clone());
        let front = Station::open(plan(&seed, if shown { sockets } else { Sockets::None }), door()).await?;
        let direct = match &options.doors {
            Doors::Split { direct } => {
                Some(Station::open(plan(direct, sockets), door().guests_only()).await?)
            }
            Doors::Open { .. } | Doors::Hidden => None,
        };
        if options.doors == (Doors::Open { mdns: true }) && !sockets.is_loopback() {
            announce(&front.endpoint());
        }
        let moves = follow(direct.as_ref().unwrap_or(&front).endpoint(), links.shutdown.clone());
        Ok(Self { front, direct, admitted, moves })
    }

    pub(crate) fn me(&self) -> PeerId {
        PeerId::from_bytes(*self.front.endpoint().id().as_bytes())
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.front)
    }

    pub(crate) fn home_relay(&self) -> Option<String> {
        home_relay(&self.front)
    }

    pub(crate) fn relay_connected(&self) -> bool {
        self.front.endpoint().home_relay_status().get().iter().any(iroh::endpoint::RelayStatus::is_connected)
    }

    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.moves.clone()
    }

    pub(crate) fn direct_card(&self, peer: PeerId) -> Option<DirectCard> {
        let station = self.direct_station();
        Some(DirectCard {
            key: *station.endpoint().id().as_bytes(),
            knock: self.admitted.as_ref()?.knock(peer),
            addresses: addresses(station),
            relay: home_relay(station),
        })
    }

    pub(crate) fn admit(&self, peer: PeerId, card: &DirectCard, links: &Links) -> Result<(), NetError> {
        self.admitted.as_ref().map_or(Ok(()), |admitted| admitted.admit(peer, card, &links.shutdown))
    }

    pub(crate) fn expel(&self, peer: PeerId) {
        if let Some(admitted) = &self.admitted {
            admitted.expel(peer);
        }
    }

    pub(crate) async fn dial(
        &self,
        peer: PeerId,
        hints: &Hints,
        limit: Duration,
        links: &Links,
    ) -> Result<Link, NetError> {
        let target = self.target(peer, hints)?;
        let guest = self.admitted.as_ref().and_then(|admitted| admitted.find(peer));
        let Some(guest) = guest else {
            return self.connect(&self.front, target, None, peer, limit, links).await;
        };
        let no_direct = CancellationToken::new();
        let direct = async {
            let target = self.direct_target(&guest)?;
            self.connect(self.direct_station(), target, Some(&guest), peer, limit, links).await
        };
        let front = async {
            drop(timeout(HEAD_START.min(limit), no_direct.cancelled()).await);
            self.connect(&self.front, target, None, peer, limit.saturating_sub(HEAD_START), links).await
        };
        tokio::pin!(direct, front);
        tokio::select! {
            link = &mut direct => {
                if link.is_ok() {
                    return link;
                }
                no_direct.cancel();
                front.await
            },
            link = &mut front => match link {
                Ok(link) => Ok(link),
                Err(error) => direct.await.map_err(|_| error),
            },
        }
    }

    pub(crate) async fn close(&self) {
        let direct = async {
            if let Some(direct) = &self.direct {
                direct.close().await;
            }
        };
        tokio::join!(self.front.close(), direct);
    }

    /// The endpoint that may show its addresses to those we admitted.
    fn direct_station(&self) -> &Arc<Station> {
        self.direct.as_ref().unwrap_or(&self.front)
    }

    async fn connect(
        &self,
        station: &Station,
        target: EndpointAddr,
        guest: Option<&Guest>,
        peer: PeerId,
        limit: Duration,
        links: &Links,
    ) -> Result<Link, NetError> {
        let (connection, send, receive) = timeout(limit, open(&station.endpoint(), target, guest))
            .await
            .map_err(|_| NetError::TimedOut { peer, after: limit })?
            .map_err(|error| error.into_net(peer, limit))?;
        let mut end = end(connection, send, receive, true, guest);
        let held: Held = Box::new(station.seat());
        end.held = Some(held);
        Ok(links.start(end))
    }

    fn target(&self, peer: PeerId, hints: &Hints) -> Result<EndpointAddr, NetError> {
        let key = EndpointId::from_bytes(peer.as_bytes()).map_err(|_| NetError::BadKey(peer))?;
        let addresses = if self.front.has_sockets() { hints.addresses.as_slice() } else { &[] };
        way(key, addresses, hints.relay.as_deref(), self.front.relays())
    }

    fn direct_target(&self, guest: &Guest) -> Result<EndpointAddr, NetError> {
        let key = EndpointId::from_bytes(&guest.card.key).map_err(|_| NetError::BadKey(guest.peer))?;
        let station = self.direct_station();
        way(key, &guest.card.addresses, guest.card.relay.as_deref(), station.relays())
    }
}

impl Sockets {
    fn is_loopback(self) -> bool {
        matches!(self, Self::At(address) if address.ip().is_loopback())
    }
}

/// All ways to `key` that are tried at once.
fn way(
    key: EndpointId,
    addresses: &[SocketAddr],
    relay: Option<&str>,
    ours: &[RelayUrl],
) -> Result<EndpointAddr, NetError> {
    let mut relays: BTreeSet<RelayUrl> = relay.map(relay_url).transpose()?.into_iter().collect();
    for url in ours {
        if relays.len() < MAX_RELAYS {
            relays.insert(url.clone());
        }
    }
    // A peer's invite or message picks the addresses, so we try only so many.
    let target = addresses
        .iter()
        .take(MAX_ADDRESSES)
        .copied()
        .fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    Ok(relays.into_iter().fold(target, EndpointAddr::with_relay_url))
}

/// Connects and opens the one stream. Streams appear at the peer with their first byte, so it is sent at once.
async fn open(
    endpoint: &Endpoint,
    target: EndpointAddr,
    guest: Option<&Guest>,
) -> Result<(Connection, SendStream, RecvStream), OpenError> {
    let knock = guest.map(|guest| offer(&guest.card.knock));
    let options = ConnectOptions::new()
        .with_transport_config(transport(0))
        .with_additional_alpns(knock.into_iter().collect());
    let connecting: Connecting = endpoint.connect_with_opts(target, ALPN, options).await?;
    let connection = connecting.await?;
    let (mut send, receive) = connection.open_bi().await?;
    send.write_all(&[VERSION]).await.map_err(|error| OpenError::Failed(error.into()))?;
    Ok((connection, send, receive))
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

fn addresses(station: &Station) -> Vec<SocketAddr> {
    if !station.has_sockets() {
        return Vec::new();
    }
    let endpoint = station.endpoint();
    let mut addresses: BTreeSet<SocketAddr> = endpoint.addr().ip_addrs().copied().collect();
    addresses.extend(endpoint.bound_sockets().into_iter().map(reachable_here));
    addresses.into_iter().collect()
}

fn home_relay(station: &Station) -> Option<String> {
    station.endpoint().addr().relay_urls().next().map(ToString::to_string)
}

/// Tells of each change of our own addresses and relay.
fn follow(endpoint: Endpoint, shutdown: CancellationToken) -> watch::Receiver<()> {
    let (tell, moves) = watch::channel(());
    let mut here = endpoint.watch_addr();
    tokio::spawn(async move {
        // The endpoint is not kept: it is its owner's to close.
        drop(endpoint);
        loop {
            let moved = tokio::select! {
                () = shutdown.cancelled() => return,
                moved = here.updated() => moved,
            };
            if moved.is_err() {
                return;
            }
            tell.send_replace(());
        }
    });
    moves
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

fn selected(connection: &Connection) -> Option<(Route, Duration)> {
    let paths = connection.paths();
    let path = paths.iter().find(Path::is_selected).or_else(|| paths.iter().next())?;
    let route = match path.remote_addr() {
        TransportAddr::Ip(address) => Route::new(PathKind::Direct, address.to_string()),
        TransportAddr::Relay(url) => Route::new(PathKind::Relay, url.to_string()),
        _ => return None,
    };
    Some((route, path.rtt()))
}

/// What a connection runs over now.
pub(crate) fn route(connection: &Connection) -> Route {
    selected(connection).map_or_else(|| Route::new(PathKind::None, ""), |(route, _)| route)
}

pub(crate) fn rtt(connection: &Connection) -> Option<Duration> {
    selected(connection).map(|(_, rtt)| rtt)
}

fn relay_url(text: &str) -> Result<RelayUrl, NetError> {
    text.parse::<RelayUrl>()
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| NetError::BadRelay { url: text.to_owned() })
}

/// The public authorities, and those of the PEM text.
fn roots(pem: &[u8]) -> Result<CaTlsConfig, NetError> {
    let roots =
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(NetError::bad_roots)?;
    if roots.is_empty() {
        return Err(NetError::bad_roots("there is no certificate in it"));
    }
    Ok(CaTlsConfig::embedded().with_extra_roots(roots))
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

//! An agent on iroh: its identity endpoint, its direct endpoint, and dialling those of others.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::PeerId;
use iroh::endpoint::{
    ConnectError, ConnectOptions, ConnectWithOptsError, Connecting, ConnectingError, Connection,
    ConnectionError, RecvStream, SendStream,
};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayUrl, SecretKey, Watcher as _};
use iroh_mdns_address_lookup::MdnsAddressLookup;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, AdmittedPeer, DirectCard, MAX_ADDRESSES};
use crate::endpoint::{ALPN, PersistentEndpoint, Settings, Sockets, transport};
use crate::error::NetError;
use crate::link::{Held, Link, Links};
use crate::listener::{Listener, VERSION, end, offer};
use crate::options::{DialHints, Exposure, Options};

const MDNS_NAME: &str = "coworker";

/// The direct endpoint is dialled alone for this long. It does not answer if the peer has expelled us without our
/// knowledge.
const HEAD_START: Duration = Duration::from_secs(2);

/// Most relays that one dial uses: the peer's and some of ours, because the peer's may be gone.
const MAX_RELAYS: usize = 4;

pub(crate) struct Quic {
    identity: Arc<PersistentEndpoint>,
    direct: Option<Arc<PersistentEndpoint>>,
    /// `None` if no peer may learn our addresses.
    admission: Option<Arc<Admission>>,
    address_changes: watch::Receiver<()>,
}

impl Quic {
    /// Listens, and passes the links that peers open to `arrivals` until `links` shuts down.
    pub(crate) async fn bind(
        seed: [u8; 32],
        options: &Options,
        links: Links,
        arrivals: mpsc::Sender<Link>,
    ) -> Result<Self, NetError> {
        let relays = options.relays.iter().map(|url| relay_url(url)).collect::<Result<Vec<_>, _>>()?;
        let roots = options.relay_ca.as_deref().map(roots).transpose()?;
        let sockets = options.bind.map_or(Sockets::AllInterfaces, Sockets::At);
        let settings = |seed: &[u8; 32], sockets| Settings {
            key: SecretKey::from_bytes(seed),
            sockets,
            relays: relays.clone(),
            roots: roots.clone(),
        };
        let open = matches!(options.exposure, Exposure::Open { .. });
        if !open && relays.is_empty() {
            return Err(NetError::NoRelay);
        }
        let admission = options.exposure.direct_seed(seed).map(|seed| Arc::new(Admission::new(seed)));
        let listener = || Listener::new(links.clone(), arrivals.clone(), admission.clone());
        let identity_sockets = if open { sockets } else { Sockets::None };
        let identity = PersistentEndpoint::open(settings(&seed, identity_sockets), listener()).await?;
        let direct = match &options.exposure {
            Exposure::Split { direct } => {
                let listener = listener().admitted_only();
                Some(PersistentEndpoint::open(settings(direct, sockets), listener).await?)
            }
            Exposure::Open { .. } | Exposure::Hidden => None,
        };
        if options.exposure == (Exposure::Open { mdns: true }) && !sockets.is_loopback() {
            announce(&identity.current());
        }
        let address_changes =
            watch_addresses(direct.as_ref().unwrap_or(&identity).current(), links.shutdown.clone());
        Ok(Self { identity, direct, admission, address_changes })
    }

    pub(crate) fn own_id(&self) -> PeerId {
        PeerId::from_bytes(*self.identity.current().id().as_bytes())
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.identity)
    }

    pub(crate) fn home_relay(&self) -> Option<String> {
        home_relay(&self.identity)
    }

    pub(crate) fn relay_connected(&self) -> bool {
        self.identity
            .current()
            .home_relay_status()
            .get()
            .iter()
            .any(iroh::endpoint::RelayStatus::is_connected)
    }

    pub(crate) fn address_changes(&self) -> watch::Receiver<()> {
        self.address_changes.clone()
    }

    pub(crate) fn direct_card(&self, peer: PeerId) -> Option<DirectCard> {
        let endpoint = self.direct_endpoint();
        Some(DirectCard {
            key: *endpoint.current().id().as_bytes(),
            admission_token: self.admission.as_ref()?.token(peer),
            addresses: addresses(endpoint),
            relay: home_relay(endpoint),
        })
    }

    pub(crate) fn admit(&self, peer: PeerId, card: &DirectCard, links: &Links) -> Result<(), NetError> {
        self.admission.as_ref().map_or(Ok(()), |admission| admission.admit(peer, card, &links.shutdown))
    }

    pub(crate) fn expel(&self, peer: PeerId) {
        if let Some(admission) = &self.admission {
            admission.expel(peer);
        }
    }

    pub(crate) async fn dial(
        &self,
        peer: PeerId,
        hints: &DialHints,
        timeout_after: Duration,
        links: &Links,
    ) -> Result<Link, NetError> {
        let target = self.target(peer, hints)?;
        let admitted = self.admission.as_ref().and_then(|admission| admission.find(peer));
        let Some(admitted) = admitted else {
            return self.connect(&self.identity, target, None, peer, timeout_after, links).await;
        };
        let direct_failed = CancellationToken::new();
        let direct = async {
            let target = self.direct_target(&admitted)?;
            self.connect(self.direct_endpoint(), target, Some(&admitted), peer, timeout_after, links).await
        };
        let identity = async {
            drop(timeout(HEAD_START.min(timeout_after), direct_failed.cancelled()).await);
            self.connect(&self.identity, target, None, peer, timeout_after.saturating_sub(HEAD_START), links)
                .await
        };
        tokio::pin!(direct, identity);
        tokio::select! {
            link = &mut direct => {
                if link.is_ok() {
                    return link;
                }
                direct_failed.cancel();
                identity.await
            },
            link = &mut identity => match link {
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
        tokio::join!(self.identity.close(), direct);
    }

    /// The endpoint whose addresses admitted peers may learn.
    fn direct_endpoint(&self) -> &Arc<PersistentEndpoint> {
        self.direct.as_ref().unwrap_or(&self.identity)
    }

    async fn connect(
        &self,
        endpoint: &PersistentEndpoint,
        target: EndpointAddr,
        admitted: Option<&AdmittedPeer>,
        peer: PeerId,
        timeout_after: Duration,
        links: &Links,
    ) -> Result<Link, NetError> {
        let (connection, send, receive) = timeout(timeout_after, open(&endpoint.current(), target, admitted))
            .await
            .map_err(|_| NetError::TimedOut { peer, after: timeout_after })?
            .map_err(|error| error.into_net(peer, timeout_after))?;
        let mut end = end(connection, send, receive, true, admitted);
        let held: Held = Box::new(endpoint.counted());
        end.held = Some(held);
        Ok(links.start(end))
    }

    fn target(&self, peer: PeerId, hints: &DialHints) -> Result<EndpointAddr, NetError> {
        let key = EndpointId::from_bytes(peer.as_bytes()).map_err(|_| NetError::BadKey(peer))?;
        let addresses = if self.identity.has_sockets() { hints.addresses.as_slice() } else { &[] };
        dial_target(key, addresses, hints.relay.as_deref(), self.identity.relays())
    }

    fn direct_target(&self, admitted: &AdmittedPeer) -> Result<EndpointAddr, NetError> {
        let key = EndpointId::from_bytes(&admitted.card.key).map_err(|_| NetError::BadKey(admitted.peer))?;
        let ours = self.direct_endpoint().relays();
        dial_target(key, &admitted.card.addresses, admitted.card.relay.as_deref(), ours)
    }
}

impl Sockets {
    fn is_loopback(self) -> bool {
        matches!(self, Self::At(address) if address.ip().is_loopback())
    }
}

/// All addresses and relays at which `key` is dialled at once.
fn dial_target(
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
    // A peer chooses the addresses in its invite or card, so their number is limited.
    let target = addresses
        .iter()
        .take(MAX_ADDRESSES)
        .copied()
        .fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    Ok(relays.into_iter().fold(target, EndpointAddr::with_relay_url))
}

/// Connects and opens the one stream. The peer sees a stream only once its first byte arrives, so it is sent at
/// once.
async fn open(
    endpoint: &Endpoint,
    target: EndpointAddr,
    admitted: Option<&AdmittedPeer>,
) -> Result<(Connection, SendStream, RecvStream), OpenError> {
    let token = admitted.map(|admitted| offer(&admitted.card.admission_token));
    let options = ConnectOptions::new()
        .with_transport_config(transport(0))
        .with_additional_alpns(token.into_iter().collect());
    let connecting: Connecting = endpoint.connect_with_opts(target, ALPN, options).await?;
    let connection = connecting.await?;
    let (mut send, receive) = connection.open_bi().await?;
    send.write_all(&[VERSION]).await.map_err(|error| OpenError::Failed(error.into()))?;
    Ok((connection, send, receive))
}

/// Why a connection was not opened. [`into_net`](Self::into_net) adds the peer and the timeout.
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

fn addresses(endpoint: &PersistentEndpoint) -> Vec<SocketAddr> {
    if !endpoint.has_sockets() {
        return Vec::new();
    }
    let endpoint = endpoint.current();
    let mut addresses: BTreeSet<SocketAddr> = endpoint.addr().ip_addrs().copied().collect();
    addresses.extend(endpoint.bound_sockets().into_iter().map(reachable_here));
    addresses.into_iter().collect()
}

fn home_relay(endpoint: &PersistentEndpoint) -> Option<String> {
    endpoint.current().addr().relay_urls().next().map(ToString::to_string)
}

/// Notifies of changes of our own addresses and relay.
fn watch_addresses(endpoint: Endpoint, shutdown: CancellationToken) -> watch::Receiver<()> {
    let (notify, changes) = watch::channel(());
    let mut addresses = endpoint.watch_addr();
    tokio::spawn(async move {
        // Do not keep the endpoint alive.
        drop(endpoint);
        loop {
            let changed = tokio::select! {
                () = shutdown.cancelled() => return,
                changed = addresses.updated() => changed,
            };
            if changed.is_err() {
                return;
            }
            notify.send_replace(());
        }
    });
    changes
}

/// Starts mDNS. Multicast may be impossible (no interface, a sandbox), and the agent works without it.
fn announce(endpoint: &Endpoint) {
    let started = MdnsAddressLookup::builder().service_name(MDNS_NAME).build(endpoint.id());
    match (started, endpoint.address_lookup()) {
        (Ok(mdns), Ok(lookup)) => lookup.add(mdns),
        (Err(error), _) => {
            tracing::warn!(error = &error as &dyn Error, "cannot start discovery on the local network")
        }
        (_, Err(error)) => {
            tracing::warn!(error = &error as &dyn Error, "cannot start discovery on the local network")
        }
    }
}

fn relay_url(text: &str) -> Result<RelayUrl, NetError> {
    text.parse::<RelayUrl>()
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| NetError::BadRelay { url: text.to_owned() })
}

/// Returns the public authorities and those of the PEM text.
fn roots(pem: &[u8]) -> Result<CaTlsConfig, NetError> {
    let roots =
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(NetError::bad_roots)?;
    if roots.is_empty() {
        return Err(NetError::bad_roots("the file contains no certificate"));
    }
    Ok(CaTlsConfig::embedded().with_extra_roots(roots))
}

/// Replaces the unspecified address, which cannot be dialled, by loopback.
fn reachable_here(mut socket: SocketAddr) -> SocketAddr {
    match socket.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => socket.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => socket.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    socket
}

//! A relay server. It forwards ciphertext between keys that cannot reach each other directly.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coworker_policy::PeerId;
use iroh::EndpointId;
use iroh_relay::server::{
    Access, AccessControl, CertConfig, ClientRateLimit, ClientRequest, ConnectionId, QuicConfig, RelayConfig,
    Server, ServerConfig, TlsConfig,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The port where agents ask for their public address, which hole punching needs. Agents assume this port.
pub const DISCOVERY_PORT: u16 = 7842;

/// Most connections of one key. An agent has one, and a second one while it replaces the first.
const PER_KEY: usize = 4;

/// Default rate limit of one connection in bytes per second. A call of the largest size takes a few seconds.
pub const DEFAULT_RATE: u32 = 4 << 20;
/// Default limit for the connections of all keys.
pub const DEFAULT_CLIENTS: usize = 10_000;

#[derive(Debug)]
pub struct RelayOptions {
    pub bind: SocketAddr,
    /// `None` means plain HTTP without address discovery, so agents never leave the relay. For experiments only.
    pub tls: Option<Tls>,
    /// The keys that may use the relay. `None` means all. An agent with a direct endpoint uses two keys.
    pub allow: Option<BTreeSet<PeerId>>,
    /// Bytes per second that one connection may send. A burst may be twice as large.
    pub rate: NonZeroU32,
    /// Most simultaneous connections.
    pub clients: usize,
}

/// A certificate chain and its key, PEM.
pub struct Tls {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
    /// The UDP port of address discovery, at the address of `bind`. Usually [`DISCOVERY_PORT`].
    pub discovery: Option<u16>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("discovery", &self.discovery).finish_non_exhaustive()
    }
}

/// Why a relay cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("cannot use the certificate or its key")]
    Certificate(#[source] Cause),
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: Cause },
    #[error("the relay stopped unexpectedly")]
    Broken(#[source] Cause),
}

/// A running relay. It stops when dropped.
pub struct Relay {
    server: Server,
    address: SocketAddr,
    tls: bool,
}

impl Relay {
    /// # Errors
    /// [`RelayError::Certificate`] and [`RelayError::Bind`].
    pub async fn start(options: RelayOptions) -> Result<Self, RelayError> {
        let bind = options.bind;
        let tls = options.tls.is_some();
        let config = config(options)?;
        let spawned = Server::spawn(config).await;
        let server = spawned.map_err(|source| RelayError::Bind { address: bind, source: source.into() })?;
        let address = if tls { server.https_addr() } else { server.http_addr() };
        Ok(Self { address: address.unwrap_or(bind), tls, server })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for agents that know the relay as `host`.
    pub fn url(&self, host: &str) -> String {
        let port = self.address.port();
        let host =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        match (self.tls, port) {
            (true, 443) => format!("https://{host}"),
            (true, _) => format!("https://{host}:{port}"),
            (false, _) => format!("http://{host}:{port}"),
        }
    }

    /// Waits until the relay stops by itself, which happens only on a failure.
    pub async fn broken(&mut self) -> RelayError {
        match self.server.join().await {
            Ok(Ok(())) => RelayError::Broken("it stopped".into()),
            Ok(Err(error)) => RelayError::Broken(error.into()),
            Err(error) => RelayError::Broken(error.into()),
        }
    }

    /// Ends all connections and stops listening.
    ///
    /// # Errors
    /// [`RelayError::Broken`] if a part of it had already failed.
    pub async fn close(self) -> Result<(), RelayError> {
        self.server.shutdown().await.map_err(|error| RelayError::Broken(error.into()))
    }
}

fn config(options: RelayOptions) -> Result<ServerConfig, RelayError> {
    // With TLS, a second listener answers captive portal checks over HTTP. Agents do not need it, so it listens on
    // loopback only.
    let plain = if options.tls.is_some() { (Ipv4Addr::LOCALHOST, 0).into() } else { options.bind };
    let mut relay = RelayConfig::new(plain);
    relay.access = Arc::new(ConnectionLimit::new(options.allow, options.clients));
    let mut rate = ClientRateLimit::new(options.rate);
    rate.max_burst_bytes = Some(options.rate.saturating_mul(const { NonZeroU32::new(2).unwrap() }));
    relay.limits.client_rx = Some(rate);
    let mut config = ServerConfig::default();
    if let Some(tls) = options.tls {
        let server_config = certified(&tls)?;
        config.quic = tls.discovery.map(|port| QuicConfig::new((options.bind.ip(), port)));
        relay.tls = Some(TlsConfig::new(options.bind, CertConfig::Manual { server_config }));
    }
    config.relay = Some(relay);
    Ok(config)
}

fn certified(tls: &Tls) -> Result<rustls::ServerConfig, RelayError> {
    let refused = |source: Cause| RelayError::Certificate(source);
    let chain = CertificateDer::pem_slice_iter(&tls.chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| refused(error.into()))?;
    let key = PrivateKeyDer::from_pem_slice(&tls.key).map_err(|error| refused(error.into()))?;
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| refused(error.into()))
}

/// Limits which keys may connect and how often. Keys cost nothing, so the total is limited as well.
#[derive(Debug)]
struct ConnectionLimit {
    allow: Option<BTreeSet<PeerId>>,
    clients: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_key: HashMap<EndpointId, usize>,
}

impl ConnectionLimit {
    fn new(allow: Option<BTreeSet<PeerId>>, clients: usize) -> Self {
        Self { allow, clients, open: Mutex::default() }
    }

    fn enter(&self, key: EndpointId) -> Result<(), &'static str> {
        let known = PeerId::from_bytes(*key.as_bytes());
        if self.allow.as_ref().is_some_and(|allow| !allow.contains(&known)) {
            return Err("this relay is for others");
        }
        let mut open = self.open();
        let of_key = open.by_key.get(&key).copied().unwrap_or_default();
        if open.all >= self.clients || of_key >= PER_KEY {
            return Err("this relay is full");
        }
        open.all += 1;
        open.by_key.insert(key, of_key + 1);
        Ok(())
    }

    fn leave(&self, key: EndpointId) {
        let mut open = self.open();
        open.all = open.all.saturating_sub(1);
        if let Some(of_key) = open.by_key.get_mut(&key) {
            *of_key -= 1;
            if *of_key == 0 {
                open.by_key.remove(&key);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessControl for ConnectionLimit {
    async fn on_connect(&self, request: &ClientRequest) -> Access {
        match self.enter(request.endpoint_id()) {
            Ok(()) => Access::Allow,
            Err(reason) => Access::Deny { reason: Some(reason.to_owned()) },
        }
    }

    fn on_disconnect(&self, key: EndpointId, _: ConnectionId) {
        self.leave(key);
    }
}

#[cfg(test)]
mod tests {
    use iroh::SecretKey;

    use super::*;

    fn key(number: u8) -> EndpointId {
        SecretKey::from_bytes(&[number; 32]).public()
    }

    #[test]
    fn one_key_can_open_only_a_few_connections() {
        let limit = ConnectionLimit::new(None, 100);
        for _ in 0..PER_KEY {
            limit.enter(key(1)).unwrap();
        }
        limit.enter(key(1)).unwrap_err();
        limit.enter(key(2)).unwrap();
        limit.leave(key(1));
        limit.enter(key(1)).unwrap();
    }

    #[test]
    fn the_total_of_all_keys_is_limited() {
        let limit = ConnectionLimit::new(None, 3);
        (1..=3).for_each(|number| limit.enter(key(number)).unwrap());
        limit.enter(key(4)).unwrap_err();
        limit.leave(key(2));
        limit.enter(key(4)).unwrap();
        assert_eq!(limit.open().by_key.len(), 3);
    }

    #[test]
    fn an_allow_list_excludes_all_other_keys() {
        let allow = BTreeSet::from([PeerId::from_bytes(*key(1).as_bytes())]);
        let limit = ConnectionLimit::new(Some(allow), 100);
        limit.enter(key(1)).unwrap();
        limit.enter(key(2)).unwrap_err();
        assert_eq!(limit.open().all, 1);
    }
}

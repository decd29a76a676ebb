//! A relay of one's own: it passes ciphertext between keys that cannot reach each other directly.

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

/// Where agents ask which public address they have, which hole punching needs. The port is fixed: agents assume it.
pub const DISCOVERY_PORT: u16 = 7842;

/// Connections of one key. An agent has one, and one more while it replaces it.
const OF_ONE: usize = 4;

/// How much one key may send, by default: a call of the largest size takes a few seconds.
pub const DEFAULT_RATE: u32 = 4 << 20;
/// Connections of all keys, by default.
pub const DEFAULT_CLIENTS: usize = 10_000;

#[derive(Debug)]
pub struct RelayOptions {
    pub bind: SocketAddr,
    /// `None`: plain HTTP and no address discovery, so agents stay on the relay. For trying things out.
    pub tls: Option<Tls>,
    /// Who may use it; `None`: anyone. An agent with a direct door uses two keys.
    pub allow: Option<BTreeSet<PeerId>>,
    /// Bytes per second that one connection may send; twice that at once.
    pub rate: NonZeroU32,
    /// Connections at one time.
    pub clients: usize,
}

/// A certificate chain and its key, PEM.
pub struct Tls {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
    /// Where address discovery listens (UDP), at the address of `bind`; normally [`DISCOVERY_PORT`].
    pub discovery: Option<u16>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("discovery", &self.discovery).finish_non_exhaustive()
    }
}

/// Why a relay does not run. For its owner.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the certificate or its key cannot be used")]
    Certificate(#[source] Cause),
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: Cause },
    #[error("the relay broke off")]
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What agents are told, if `host` is what the relay is called by them.
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

    /// Returns when the relay ends by itself, which it does not if all is well.
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
    /// [`RelayError::Broken`]: some part of it had ended before.
    pub async fn close(self) -> Result<(), RelayError> {
        self.server.shutdown().await.map_err(|error| RelayError::Broken(error.into()))
    }
}

fn config(options: RelayOptions) -> Result<ServerConfig, RelayError> {
    // With TLS a second, plain listener answers captive portal checks; agents do not need it, so it stays inside.
    let plain = if options.tls.is_some() { (Ipv4Addr::LOCALHOST, 0).into() } else { options.bind };
    let mut relay = RelayConfig::new(plain);
    relay.access = Arc::new(Gatekeeper::new(options.allow, options.clients));
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

/// Who may connect, and how often. Keys cost nothing, so the sum is bounded too.
#[derive(Debug)]
struct Gatekeeper {
    allow: Option<BTreeSet<PeerId>>,
    clients: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_key: HashMap<EndpointId, usize>,
}

impl Gatekeeper {
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
        if open.all >= self.clients || of_key >= OF_ONE {
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

impl AccessControl for Gatekeeper {
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
    fn one_key_takes_a_few_places_and_leaves_the_others() {
        let gate = Gatekeeper::new(None, 100);
        for _ in 0..OF_ONE {
            gate.enter(key(1)).unwrap();
        }
        gate.enter(key(1)).unwrap_err();
        gate.enter(key(2)).unwrap();
        gate.leave(key(1));
        gate.enter(key(1)).unwrap();
    }

    #[test]
    fn the_sum_of_all_keys_is_bounded() {
        let gate = Gatekeeper::new(None, 3);
        (1..=3).for_each(|number| gate.enter(key(number)).unwrap());
        gate.enter(key(4)).unwrap_err();
        gate.leave(key(2));
        gate.enter(key(4)).unwrap();
        assert_eq!(gate.open().by_key.len(), 3);
    }

    #[test]
    fn a_list_keeps_all_others_out() {
        let allow = BTreeSet::from([PeerId::from_bytes(*key(1).as_bytes())]);
        let gate = Gatekeeper::new(Some(allow), 100);
        gate.enter(key(1)).unwrap();
        gate.enter(key(2)).unwrap_err();
        assert_eq!(gate.open().all, 1);
    }
}

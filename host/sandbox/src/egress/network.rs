use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::Error;

/// The resolver and the trusted certificate authorities for guests' requests.
#[derive(Clone)]
pub struct Network {
    resolve: Arc<dyn Resolve>,
    tls: Result<Arc<ClientConfig>, rustls::Error>,
}

/// Resolves names to addresses. Each answer is checked before anything connects.
pub trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, host: &'a str) -> ResolveFuture<'a>;
}

pub type ResolveFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// The certificate cannot be used as a certificate authority.
#[derive(Debug, thiserror::Error)]
#[error("this is not the certificate of an authority")]
pub struct BadAuthority(#[source] rustls::Error);

impl Network {
    /// This machine's resolver, and the authorities that browsers trust.
    pub fn system() -> Self {
        /// Shared by all calls: it is slow to build and keeps no state of a call.
        static TLS: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> =
            LazyLock::new(|| client(public_roots()));
        Self { resolve: Arc::new(System), tls: TLS.clone() }
    }

    #[must_use]
    pub fn resolving_with(self, resolve: Arc<dyn Resolve>) -> Self {
        Self { resolve, ..self }
    }

    /// Also trusts the authority with this certificate, in DER.
    pub fn trusting(self, authority: &[u8]) -> Result<Self, BadAuthority> {
        let mut roots = public_roots();
        roots.add(authority.to_vec().into()).map_err(BadAuthority)?;
        Ok(Self { tls: client(roots), ..self })
    }

    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, Error> {
        self.tls.clone().map_err(|_| Error::ConfigurationError)
    }

    /// Looks up all addresses of a name. Called once per request, so that the checked addresses are the used ones.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        /// The owner of the name picks the number of its addresses.
        const MAX: usize = 16;
        let mut addresses = self.resolve.resolve(host).await.map_err(|_| Error::DestinationNotFound)?;
        addresses.truncate(MAX);
        if addresses.is_empty() { Err(Error::DestinationNotFound) } else { Ok(addresses) }
    }
}

fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session ticket would show the server that calls of two callers came from one host.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str) -> ResolveFuture<'a> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, HttpRequest, HttpRule};
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::answer::Answer;
use super::connection::Connection;
use super::destination::Destination;
use super::headers;
use super::network::Network;
use super::tally::Tally;
use crate::capability::secret::{SecretState, Withheld};
use crate::outcome::Denials;

/// Connections that one call may hold at the same time.
const CONNECTIONS: usize = 4;
/// Bytes of a request's address, query included.
const URI: usize = 8 * 1024;
/// How long a server may take to be reached, and how long it may keep silent, whatever the guest says.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_mins(1);

/// Everything that leaves for the network on behalf of one call passes here, or does not leave.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Terms>, Tally);

/// What one call may send, and where.
pub(crate) struct Terms {
    pub(crate) rules: Vec<HttpRule>,
    pub(crate) secrets: Arc<SecretState>,
    pub(crate) network: Network,
    pub(crate) denials: Denials,
    /// Bytes in both directions together.
    pub(crate) max_bytes: u64,
    pub(crate) max_requests: u64,
    /// When the call itself ends.
    pub(crate) deadline: Instant,
}

/// An answer, and what keeps it coming: dropped, it ends the connection.
pub(crate) type Sent = (Response<WasiBody>, AbortOnDropJoinHandle<hyper::Result<()>>);

/// Where a request may go as far as its words say.
struct Allowed {
    method: Method,
    to: Destination,
    /// The rules that its words match; one of them has to allow each address.
    rules: Vec<HttpRule>,
}

/// One request's times.
#[derive(Clone, Copy)]
struct Timeouts {
    connected: Instant,
    answered: Instant,
    between: Duration,
}

impl Guard {
    pub(crate) fn new(terms: Terms) -> Self {
        let tally = Tally::new(terms.max_bytes, terms.max_requests, CONNECTIONS);
        Self(Arc::new(terms), tally)
    }

    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.1.bytes()
    }

    /// Sends one request, if all that stands in its way allows it. Dropping the future, or what it yields,
    /// ends the connection.
    pub(crate) fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> impl Future<Output = Result<Sent, Error>> + Send + use<> {
        // Decided now: a guest that forgets the future at once has still asked.
        let checked = self.allow(request);
        let guard = self.clone();
        async move {
            let (allowed, request) = checked?;
            guard.exchange(allowed, request, guard.timeout(options)).await
        }
    }

    /// Everything that can be decided without asking the network.
    fn allow(&self, request: Request<WasiBody>) -> Result<(Allowed, Request<WasiBody>), Error> {
        let counted = self.1.request();
        if request.uri().to_string().len() > URI {
            return Err(Error::HttpRequestUriTooLong);
        }
        let to = Destination::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        let rules = self.rules(request.method(), &to);
        if rules.is_empty() {
            self.0.denials.note(Capability::Http, &format!("{} {to}", request.method()));
            return Err(Error::HttpRequestDenied);
        }
        // After the note: a tier that may send none asks for a grant, too.
        counted.map_err(|_| Error::HttpRequestDenied)?;
        let method = request.method().clone();
        let request = self.prepared(request, &to)?;
        Ok((Allowed { method, to, rules }, request))
    }

    fn rules(&self, method: &Method, to: &Destination) -> Vec<HttpRule> {
        // A tunnel hides what is in it, and an echo of the request would show the guest its secrets.
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Vec::new();
        }
        let request = HttpRequest {
            method: method.as_str(),
            tls: to.tls,
            host: &to.host,
            port: to.port,
            path: &to.path,
        };
        self.0.rules.iter().filter(|rule| rule.allows(&request)).cloned().collect()
    }

    /// The request as it leaves: our headers, and values in place of placeholders.
    fn prepared(&self, request: Request<WasiBody>, to: &Destination) -> Result<Request<WasiBody>, Error> {
        let (mut parts, body) = request.into_parts();
        headers::clean(&mut parts.headers, &to.authority())?;
        for value in parts.headers.values_mut() {
            match self.0.secrets.fill(value, to) {
                Ok(None) => {}
                Ok(Some(filled)) => *value = filled,
                Err(withheld) => return Err(self.withheld(&withheld, to)),
            }
        }
        // After the secrets are in.
        if !headers::within_bounds(&parts.headers) {
            return Err(Error::HttpRequestHeaderSectionSize(None));
        }
        // A server, unlike a proxy, is told path and query only.
        parts.uri = parts.uri.path_and_query().map_or_else(Uri::default, |path| path.clone().into());
        Ok(Request::from_parts(parts, body))
    }

    fn withheld(&self, withheld: &Withheld, to: &Destination) -> Error {
        match withheld {
            Withheld::Elsewhere(name) => {
                self.0.denials.note(Capability::Secrets, &format!("{name} {}", to.origin()));
                Error::HttpRequestDenied
            }
            Withheld::NoValue(name) => {
                tracing::warn!(secret = %name, "a skill asked for a secret that has no value");
                Error::ConfigurationError
            }
        }
    }

    fn timeout(&self, options: RequestOptions) -> Timeouts {
        let now = Instant::now();
        let within = |asked: Option<Duration>, most: Duration| asked.unwrap_or(most).min(most);
        let connected = (now + within(options.connect_timeout, CONNECT)).min(self.0.deadline);
        let answered = (connected + within(options.first_byte_timeout, SILENCE)).min(self.0.deadline);
        Timeouts { connected, answered, between: within(options.between_bytes_timeout, SILENCE) }
    }

    async fn exchange(
        &self,
        allowed: Allowed,
        request: Request<WasiBody>,
        timeout: Timeouts,
    ) -> Result<Sent, Error> {
        let mut connection = timeout_at(timeout.connected, self.connect(&allowed))
            .await
            .map_err(|_| Error::ConnectionTimeout)??;
        let response = timeout_at(timeout.answered, connection.send(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??;
        // The parser looks at the size only now and then.
        if !headers::within_bounds(response.headers()) {
            return Err(Error::HttpResponseHeaderSectionSize(None));
        }
        let response = response.map(|body| Answer::new(body, timeout.between).boxed_unsync());
        Ok((response, connection.pump))
    }

    async fn connect(&self, allowed: &Allowed) -> Result<Connection, Error> {
        let place = self.1.connection().await.ok_or(Error::ConnectionLimitReached)?;
        let addresses = self.addresses(allowed).await?;
        Connection::open(&allowed.to, &addresses, &self.0.network, &self.1, place).await
    }

    /// The one look-up of a request. A name that leads to one forbidden address leads nowhere.
    async fn addresses(&self, allowed: &Allowed) -> Result<Vec<IpAddr>, Error> {
        let addresses = match allowed.to.address() {
            Some(address) => vec![address],
            None => self.0.network.addresses(&allowed.to.host).await?,
        };
        let open = |address: &IpAddr| allowed.rules.iter().any(|rule| rule.allows_address(*address));
        if addresses.iter().all(open) {
            return Ok(addresses);
        }
        let what = format!("{} {} private", allowed.method, allowed.to);
        self.0.denials.note(Capability::Http, &what);
        Err(Error::DestinationIpProhibited)
    }
}

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, HttpRequest, HttpRule};
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::connection::Connection;
use super::destination::Destination;
use super::headers;
use super::network::Network;
use super::response_body::ResponseBody;
use super::tally::Tally;
use crate::access::Denials;
use crate::capability::secret::{SecretState, Withheld};

/// Connections that one call may hold at the same time.
const CONNECTIONS: usize = 4;
/// Longest URL of a request, in bytes, including the query.
const URI: usize = 8 * 1024;
/// Upper limits of the guest's own timeouts: for connecting, and for silence of the server.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_mins(1);

/// The only way to the network for one call. Clones share the limits.
#[derive(Clone)]
pub(crate) struct Guard {
    policy: Arc<EgressPolicy>,
    tally: Tally,
}

/// The requests that one call may send.
pub(crate) struct EgressPolicy {
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

/// A response, and the task of its connection. Dropping the task closes the connection.
pub(crate) type Sent = (Response<WasiBody>, AbortOnDropJoinHandle<hyper::Result<()>>);

/// A request that the rules allow by its method and URL.
struct Allowed {
    method: Method,
    to: Destination,
    /// The matching rules. One of them must also allow each address.
    rules: Vec<HttpRule>,
}

/// The deadlines and the timeout of one request.
#[derive(Clone, Copy)]
struct Timeouts {
    connected: Instant,
    answered: Instant,
    between: Duration,
}

impl Guard {
    pub(crate) fn new(policy: EgressPolicy) -> Self {
        let tally = Tally::new(policy.max_bytes, policy.max_requests, CONNECTIONS);
        Self { policy: Arc::new(policy), tally }
    }

    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.tally.bytes()
    }

    /// Sends one request if every check passes. Dropping the future or its result closes the connection.
    pub(crate) fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> impl Future<Output = Result<Sent, Error>> + Send + use<> {
        // Checked before the future is polled, so that a guest that drops the future is still counted.
        let checked = self.allow(request);
        let guard = self.clone();
        async move {
            let (allowed, request) = checked?;
            guard.exchange(allowed, request, guard.timeout(options)).await
        }
    }

    /// Makes every check that needs no network.
    fn allow(&self, request: Request<WasiBody>) -> Result<(Allowed, Request<WasiBody>), Error> {
        let counted = self.tally.request();
        if request.uri().to_string().len() > URI {
            return Err(Error::HttpRequestUriTooLong);
        }
        let to = Destination::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        let rules = self.rules(request.method(), &to);
        if rules.is_empty() {
            self.policy.denials.note(Capability::Http, &format!("{} {to}", request.method()));
            return Err(Error::HttpRequestDenied);
        }
        // After the denial is noted: the owner also reads it if the tier may send no request at all.
        counted.map_err(|_| Error::HttpRequestDenied)?;
        let method = request.method().clone();
        let request = self.prepared(request, &to)?;
        Ok((Allowed { method, to, rules }, request))
    }

    fn rules(&self, method: &Method, to: &Destination) -> Vec<HttpRule> {
        // A tunnel hides its contents, and TRACE would echo the secrets in the request to the guest.
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
        self.policy.rules.iter().filter(|rule| rule.allows(&request)).cloned().collect()
    }

    /// Builds the request that leaves: with the host's own headers, and secrets in place of their placeholders.
    fn prepared(&self, request: Request<WasiBody>, to: &Destination) -> Result<Request<WasiBody>, Error> {
        let (mut parts, body) = request.into_parts();
        headers::clean(&mut parts.headers, &to.authority())?;
        for value in parts.headers.values_mut() {
            match self.policy.secrets.fill(value, to) {
                Ok(None) => {}
                Ok(Some(filled)) => *value = filled,
                Err(withheld) => return Err(self.withheld(&withheld, to)),
            }
        }
        // The values of secrets count, too.
        if !headers::within_bounds(&parts.headers) {
            return Err(Error::HttpRequestHeaderSectionSize(None));
        }
        // A server, unlike a proxy, gets only path and query.
        parts.uri = parts.uri.path_and_query().map_or_else(Uri::default, |path| path.clone().into());
        Ok(Request::from_parts(parts, body))
    }

    fn withheld(&self, withheld: &Withheld, to: &Destination) -> Error {
        match withheld {
            Withheld::Elsewhere(name) => {
                self.policy.denials.note(Capability::Secrets, &format!("{name} {}", to.origin()));
                Error::HttpRequestDenied
            }
            Withheld::NoValue(name) => {
                tracing::warn!(secret = %name, "a skill used a secret that has no usable value; set it again");
                Error::ConfigurationError
            }
        }
    }

    fn timeout(&self, options: RequestOptions) -> Timeouts {
        let now = Instant::now();
        let within = |asked: Option<Duration>, most: Duration| asked.unwrap_or(most).min(most);
        let connected = (now + within(options.connect_timeout, CONNECT)).min(self.policy.deadline);
        let answered = (connected + within(options.first_byte_timeout, SILENCE)).min(self.policy.deadline);
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
        // The parser does not check the size of every header.
        if !headers::within_bounds(response.headers()) {
            return Err(Error::HttpResponseHeaderSectionSize(None));
        }
        let response = response.map(|body| ResponseBody::new(body, timeout.between).boxed_unsync());
        Ok((response, connection.pump))
    }

    async fn connect(&self, allowed: &Allowed) -> Result<Connection, Error> {
        let slot = self.tally.connection().await.ok_or(Error::ConnectionLimitReached)?;
        let addresses = self.addresses(allowed).await?;
        Connection::open(&allowed.to, &addresses, &self.policy.network, &self.tally, slot).await
    }

    /// Looks the host's name up, once per request. One forbidden address refuses the whole request.
    async fn addresses(&self, allowed: &Allowed) -> Result<Vec<IpAddr>, Error> {
        let addresses = match allowed.to.address() {
            Some(address) => vec![address],
            None => self.policy.network.addresses(&allowed.to.host).await?,
        };
        let permitted = |address: &IpAddr| allowed.rules.iter().any(|rule| rule.allows_address(*address));
        if addresses.iter().all(permitted) {
            return Ok(addresses);
        }
        let rule = format!("{} {} private", allowed.method, allowed.to);
        self.policy.denials.note(Capability::Http, &rule);
        Err(Error::DestinationIpProhibited)
    }
}

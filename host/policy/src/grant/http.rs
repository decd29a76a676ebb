use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::address::{is_own_network, is_public};
use super::origin::{Host, Origin};
use super::{GrantError, path, shown};

/// The web requests that may leave, as the owner wrote them:
/// `METHOD scheme://host[:port]/path [private]`.
///
/// The method is one, or `*` for all but CONNECT. The host is a name, an address, or `*.name` for all names below
/// `name`. The path is exact unless it ends in `*`; the query is not checked. Redirects are requests of their own.
/// `private` lets the name resolve to an address of the owner's own network; a literal address or `localhost`
/// implies that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRule {
    method: Option<String>,
    origin: Origin,
    path: String,
    /// Whether the path is a prefix.
    prefix: bool,
    private: bool,
}

/// A request as it would leave.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// Upper case.
    pub method: &'a str,
    pub tls: bool,
    /// Lower case, without a trailing dot; an IPv6 address without brackets.
    pub host: &'a str,
    pub port: u16,
    /// Without the query.
    pub path: &'a str,
}

impl HttpRule {
    /// Whether the request may leave, by its text. [`Self::allows_address`] checks its destination.
    pub fn allows(&self, request: &HttpRequest<'_>) -> bool {
        // CONNECT opens a tunnel to any place, and no rule could check the traffic inside.
        let method = self.method.as_deref().unwrap_or(request.method) == request.method;
        method
            && request.method != "CONNECT"
            && self.origin.is(request.tls, request.host, request.port)
            && self.allows_path(request.path)
    }

    /// Whether a request that this rule allows may go to `address`, the result of a look-up of the host's name.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        match self.origin.host() {
            Host::Address(written) => written.to_canonical() == address.to_canonical(),
            Host::Name(name) if name == "localhost" => address.to_canonical().is_loopback(),
            Host::Name(_) | Host::Below(_) => is_public(address) || (self.private && is_own_network(address)),
        }
    }

    /// Whether the rule opens addresses that are not public, so that a reader should be warned.
    pub fn allows_private(&self) -> bool {
        match self.origin.host() {
            Host::Address(written) => !is_public(*written),
            Host::Name(name) => self.private || name == "localhost",
            Host::Below(_) => self.private,
        }
    }

    /// One method, one host, one path.
    pub(super) fn is_exact(&self) -> bool {
        self.method.is_some() && !self.prefix && !matches!(self.origin.host(), Host::Below(_))
    }

    fn allows_path(&self, path: &str) -> bool {
        let path = if path.is_empty() { "/" } else { path };
        if self.prefix { path.starts_with(&self.path) && path::is_plain(path) } else { path == self.path }
    }

    fn parse(text: &str) -> Option<Result<Self, GrantError>> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (method, url, private) = match words.as_slice() {
            [method, url] => (*method, *url, false),
            [method, url, "private"] => (*method, *url, true),
            _ => return None,
        };
        let named = method.len() <= 16 && method.bytes().all(|b| b.is_ascii_uppercase());
        if method != "*" && (!named || method == "CONNECT") {
            return None;
        }
        let (origin, path) = match Origin::parse(url) {
            Ok(parsed) => parsed,
            Err(error) => return Some(Err(error)),
        };
        let prefix = path.ends_with('*');
        let path = path.strip_suffix('*').unwrap_or(path);
        let path = if path.is_empty() { "/" } else { path };
        let plain = path.is_ascii() && !path.contains(['*', '?', '#']) && path::is_plain(path);
        let method = (method != "*").then(|| method.to_owned());
        plain.then(|| Ok(Self { method, origin, path: path.to_owned(), prefix, private }))
    }
}

impl FromStr for HttpRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Self::parse(text).unwrap_or_else(|| Err(GrantError::Http(shown(text))))
    }
}

impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_deref().unwrap_or("*");
        let star = if self.prefix { "*" } else { "" };
        let private = if self.private { " private" } else { "" };
        write!(f, "{method} {}{}{star}{private}", self.origin, self.path)
    }
}

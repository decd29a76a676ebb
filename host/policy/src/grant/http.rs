use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::GrantError;

/// Which web requests may leave, as the owner wrote it:
/// `METHOD scheme://host[:port]/path [private]`.
///
/// The method is one, or `*`. The host is a name, an address, or `*.name` for what lies below a name. The path
/// is exact unless it ends in `*`. Redirects are requests of their own. `private` lets the host's name lead
/// to an address of the owner's own network; an address or `localhost` written out says that by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpRule {
    method: Option<String>,
    origin: Origin,
    path: String,
    /// The path is the start of what is allowed.
    prefix: bool,
    private: bool,
}

/// Where a request goes: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
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
    /// Whether the request may leave, as far as its words say; its addresses are another question.
    pub fn allows(&self, request: &HttpRequest<'_>) -> bool {
        self.method.as_deref().is_none_or(|method| method == request.method)
            && self.origin.tls == request.tls
            && self.origin.port == request.port
            && self.origin.covers(request.host)
            && self.allows_path(request.path)
    }

    /// Whether the host may turn out to be an address that is not public.
    pub fn allows_private(&self) -> bool {
        self.private || self.origin.host == "localhost" || self.origin.host.parse::<IpAddr>().is_ok()
    }

    fn allows_path(&self, path: &str) -> bool {
        if !self.prefix {
            return path == self.path;
        }
        path.starts_with(&self.path) && is_plain_path(path)
    }
}

impl Origin {
    fn covers(&self, host: &str) -> bool {
        match self.host.strip_prefix('*') {
            // `*.example.com` is what lies below, not the name itself.
            Some(below) => host.len() > below.len() && host.ends_with(below),
            None => host == self.host,
        }
    }

    /// True if a request to exactly this place is one to this origin.
    pub fn is(&self, tls: bool, host: &str, port: u16) -> bool {
        self.tls == tls && self.port == port && self.covers(host)
    }

    /// Parses `scheme://host[:port]`; returns what follows it, too.
    fn parse(text: &str) -> Result<(Self, &str), GrantError> {
        let bad = || GrantError::Origin(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(bad()),
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = split_port(authority).ok_or_else(bad)?;
        let port = port.map_or(Ok(if tls { 443 } else { 80 }), |port| port.parse().map_err(|_| bad()))?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if is_host(&host) { Ok((Self { tls, host, port }, path)) } else { Err(bad()) }
    }
}

/// `[::1]:80`, `host:80`, `host`.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return if port.is_empty() {
            Some((host, None))
        } else {
            Some((host, Some(port.strip_prefix(':')?)))
        };
    }
    Some(authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))))
}

fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    host.parse::<IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label))
}

/// Servers disagree about `..`, doubled slashes and what is escaped: below a prefix none of them is allowed,
/// so that a path is not another one than it looks like.
fn is_plain_path(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2e", "%2f", "%5c", "%00", "\\"].iter().any(|hidden| lower.contains(hidden));
    !hidden && !path.contains("//") && !path.split('/').any(|segment| segment == "." || segment == "..")
}

impl FromStr for HttpRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (method, url, private) = match words.as_slice() {
            [method, url] => (*method, *url, false),
            [method, url, "private"] => (*method, *url, true),
            _ => return Err(GrantError::Http(text.chars().take(200).collect())),
        };
        let named = method.bytes().all(|b| b.is_ascii_uppercase()) && method.len() <= 16;
        if method != "*" && !named {
            return Err(GrantError::Http(text.chars().take(200).collect()));
        }
        let (origin, path) = Origin::parse(url)?;
        let prefix = path.ends_with('*');
        let path = path.strip_suffix('*').unwrap_or(path);
        let path = if path.is_empty() { "/" } else { path };
        if path.contains(['*', '?', '#']) || !is_plain_path(path) {
            return Err(GrantError::Http(text.chars().take(200).collect()));
        }
        let method = (method != "*").then(|| method.to_owned());
        Ok(Self { method, origin, path: path.to_owned(), prefix, private })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls { ("https", 443) } else { ("http", 80) };
        let bracketed = self.host.contains(':');
        let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl FromStr for Origin {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (origin, path) = Self::parse(text)?;
        if path.is_empty() || path == "/" { Ok(origin) } else { Err(GrantError::Origin(text.to_owned())) }
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

impl TryFrom<String> for HttpRule {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

impl From<HttpRule> for String {
    fn from(rule: HttpRule) -> Self {
        rule.to_string()
    }
}

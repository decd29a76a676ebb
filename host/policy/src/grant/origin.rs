use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{GrantError, shown};

/// The destination of a request: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Lower case, without a trailing dot.
    Name(String),
    /// `*.name`: all names below a name, without the name itself.
    Below(String),
    Address(IpAddr),
}

impl Origin {
    /// Whether a request goes to this origin. `host` is lower case, without a trailing dot, and an IPv6 address has no
    /// brackets.
    pub fn is(&self, tls: bool, host: &str, port: u16) -> bool {
        self.tls == tls && self.port == port && self.host.covers(host)
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Parses `scheme://host[:port]` and returns the rest of the text, too.
    pub(super) fn parse(text: &str) -> Result<(Self, &str), GrantError> {
        Self::split(text).ok_or_else(|| GrantError::Origin(shown(text)))
    }

    fn split(text: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = text.split_once("://")?;
        let (tls, usual) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority)?;
        let port = port.map_or(Some(usual), parse_port)?;
        Some((Self { tls, host, port }, path))
    }
}

impl Host {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => host == name,
            // A host that is not a valid name is not below a name, even if its end matches.
            Self::Below(name) => {
                let front = host.strip_suffix(name.as_str()).and_then(|front| front.strip_suffix('.'));
                front.is_some_and(|front| !front.is_empty()) && is_name(host)
            }
            Self::Address(address) => host.parse() == Ok(*address),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let (name, below) = text.strip_prefix("*.").map_or((text.as_str(), false), |name| (name, true));
        // Resolvers read a name that ends in a number (`2130706433`, `127.1`, `0x7f000001`) as an address.
        if !is_name(name) || ends_in_number(name) {
            return None;
        }
        Some(if below { Self::Below(name.to_owned()) } else { Self::Name(text) })
    }
}

/// `[::1]:80`, `host:80`, `host`.
fn split_port(authority: &str) -> Option<(Host, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let host = Host::Address(host.parse::<Ipv6Addr>().ok()?.into());
        let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
        return Some((host, port));
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    Some((Host::parse(host)?, port))
}

fn parse_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| plain && *port != 0)
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    name.len() <= 253 && name.split('.').all(label)
}

fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || last.bytes().all(|b| b.is_ascii_digit())
}

impl FromStr for Origin {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (origin, path) = Self::parse(text)?;
        if path.is_empty() || path == "/" { Ok(origin) } else { Err(GrantError::Origin(shown(text))) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

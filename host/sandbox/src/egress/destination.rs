use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

/// The destination of a request in canonical form, which rules, look-ups and TLS all use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) tls: bool,
    /// A name in lower case without a trailing dot, or an address as the standard library prints it.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Without the query.
    pub(crate) path: String,
}

impl Destination {
    /// `None` for any other scheme, user information, a host that is neither a name nor an address, and a bad
    /// port.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme()?;
        let tls = *scheme == Scheme::HTTPS;
        if !tls && *scheme != Scheme::HTTP {
            return None;
        }
        let (host, port) = split(uri.authority()?.as_str())?;
        let port = match port {
            Some(digits) => number(digits)?,
            None => usual_port(tls),
        };
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Some(Self { tls, host: canonical(host)?, port, path: path.to_owned() })
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The `Host` header: the host as it was checked, not as the guest wrote it.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual_port(self.tls) { host } else { format!("{host}:{}", self.port) }
    }

    /// Such as `https://host:8443`.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

const fn usual_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Splits into host, without brackets, and port. Refuses user information, which can only mislead a reader.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.contains('@') {
        return None;
    }
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return if after.is_empty() {
            Some((host, None))
        } else {
            Some((host, Some(after.strip_prefix(':')?)))
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn number(digits: &str) -> Option<u16> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

fn canonical(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(address.to_string());
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let last = host.rsplit('.').next()?;
    // Some resolvers take `0x7f.1` for an address, so it has to become one before it is checked.
    if part(last).is_some() || last.bytes().all(|b| b.is_ascii_digit()) {
        return ipv4(&host).map(|address| address.to_string());
    }
    (host.len() <= 253 && host.split('.').all(is_label)).then_some(host)
}

fn is_label(label: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !label.is_empty() && label.len() <= 63 && label.bytes().all(fits)
}

/// Parses any spelling of an IPv4 address: one to four numbers, each decimal, octal or hexadecimal, of which
/// the last fills the remaining bytes.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = host.split('.').map(part).collect::<Option<_>>()?;
    let (last, bytes) = parts.split_last()?;
    let left = 4_u32.checked_sub(u32::try_from(bytes.len()).ok()?).filter(|left| *left > 0)?;
    if u64::from(*last) >= 1 << (8 * left) || bytes.iter().any(|byte| *byte > 0xff) {
        return None;
    }
    let first = bytes.iter().zip([24_u32, 16, 8]).map(|(byte, shift)| byte << shift).sum::<u32>();
    Some(Ipv4Addr::from_bits(first + last))
}

fn part(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_url(uri: &str) -> Option<String> {
        Destination::of(&uri.parse().ok()?).map(|to| to.to_string())
    }

    #[test]
    fn a_destination_has_one_spelling() {
        for (uri, same) in [
            ("https://Example.COM./v1?q=1", "https://example.com/v1"),
            ("https://example.com:443", "https://example.com/"),
            ("http://example.com:443/a", "http://example.com:443/a"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("http://[::FFFF:7f00:1]:8080/", "http://[::ffff:127.0.0.1]:8080/"),
            ("http://[0:0:0::1]/", "http://[::1]/"),
        ] {
            assert_eq!(canonical_url(uri).as_deref(), Some(same), "{uri}");
        }
    }

    #[test]
    fn an_address_is_an_address_in_any_spelling() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "127.0.0x1",
        ] {
            assert_eq!(
                canonical_url(&format!("http://{host}/")).as_deref(),
                Some("http://127.0.0.1/"),
                "{host}"
            );
        }
        assert_eq!(canonical_url("http://0/").as_deref(), Some("http://0.0.0.0/"));
        assert_eq!(canonical_url("http://169.254.43518/").as_deref(), Some("http://169.254.169.254/"));
    }

    #[test]
    fn a_url_that_is_not_a_destination_is_refused() {
        for uri in [
            "ftp://example.com/",
            "https://user@example.com/",
            "https://good.example:443@evil.example/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com:/",
            "https://exam%70le.com/",
            "https://example..com/",
            "https://.example.com/",
            "https://example.com../",
            "https://[fe80::1%25eth0]/",
            "http://256.0.0.1/",
            "http://127.0.0.0.1/",
            "http://4294967296/",
            "http://09/",
            "http://1.2.3.08/",
            "/only/a/path",
        ] {
            assert_eq!(canonical_url(uri), None, "{uri}");
        }
    }
}

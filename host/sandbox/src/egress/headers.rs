use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use wasmtime_wasi_http::Error;

/// Most headers of one request or response.
pub(super) const MAX_COUNT: usize = 64;
/// Most bytes of all header names and values of one request or response.
pub(super) const MAX_BYTES: usize = 32 * 1024;

/// Headers of the connection, which only the host may write. With them a guest could smuggle a second request
/// into the first, or name another host than the one that was checked.
const OURS: [HeaderName; 13] = [
    header::CONNECTION,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("forwarded"),
];

pub(crate) fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(name)
}

/// Removes the headers that only the host may write, and sets `Host` to the checked authority.
pub(super) fn clean(headers: &mut HeaderMap, authority: &str) -> Result<(), Error> {
    for name in &OURS {
        headers.remove(name);
    }
    let host = HeaderValue::from_str(authority).map_err(|_| Error::HttpRequestUriInvalid)?;
    headers.insert(header::HOST, host);
    Ok(())
}

/// Whether the number and the size of the headers are within the limits.
pub(super) fn within_bounds(headers: &HeaderMap) -> bool {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() <= MAX_COUNT && size <= MAX_BYTES
}

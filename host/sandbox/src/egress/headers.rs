use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use wasmtime_wasi_http::Error;

/// Headers of one request or answer.
pub(super) const MAX_COUNT: usize = 64;
/// Bytes of all names and values of one request or answer together.
pub(super) const MAX_BYTES: usize = 32 * 1024;

/// Headers that say how bytes travel, not what they mean. They are the host's to write: a guest that wrote
/// them could hide a second request in the first, or name another host than the one that was checked.
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

/// Drops what is not the guest's to say and names the host as it was checked.
pub(super) fn clean(headers: &mut HeaderMap, authority: &str) -> Result<(), Error> {
    for name in &OURS {
        headers.remove(name);
    }
    let host = HeaderValue::from_str(authority).map_err(|_| Error::HttpRequestUriInvalid)?;
    headers.insert(header::HOST, host);
    Ok(())
}

/// Whether the headers, as they are on the wire, are few and small enough.
pub(super) fn within_bounds(headers: &HeaderMap) -> bool {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() <= MAX_COUNT && size <= MAX_BYTES
}

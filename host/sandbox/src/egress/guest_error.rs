//! Errors as the guest sees them: only their kind, so that they reveal nothing of this machine.

use std::error::Error as _;

use wasmtime_wasi_http::Error;

use super::tally::ByteLimitReached;

/// Translates the failure of a connection.
pub(super) fn connection(error: &hyper::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if holds::<ByteLimitReached>(io) {
                return Error::HttpResponseBodySize(None);
            }
            if holds::<rustls::Error>(io) {
                return Error::TlsProtocolError;
            }
        }
        // An error of the guest's own request body.
        if inner.is::<Error>() {
            return Error::HttpProtocolError;
        }
        cause = inner.source();
    }
    match () {
        () if error.is_parse_too_large() => Error::HttpResponseHeaderSectionSize(None),
        () if error.is_incomplete_message() => Error::HttpResponseIncomplete,
        () if error.is_timeout() => Error::HttpResponseTimeout,
        () => Error::HttpProtocolError,
    }
}

fn holds<E: std::error::Error + 'static>(io: &std::io::Error) -> bool {
    io.get_ref().and_then(|inner| inner.downcast_ref::<E>()).is_some()
}

/// Translates the failure to connect to an address.
pub(super) fn address(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        std::io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        _ => Error::DestinationUnavailable,
    }
}

/// Translates a failed TLS handshake.
pub(super) fn tls(error: &std::io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        _ => Error::TlsProtocolError,
    }
}

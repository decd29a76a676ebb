use std::error::Error as _;

use wasmtime_wasi_http::Error;

use super::tally::Spent;

/// What the guest is told of a connection that failed. It learns the kind, and nothing of this machine.
pub(super) fn connection(error: &hyper::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if holds::<Spent>(io) {
                return Error::HttpResponseBodySize(None);
            }
            if holds::<rustls::Error>(io) {
                return Error::TlsProtocolError;
            }
        }
        // The guest's own request body: what went wrong there it knows.
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

/// What the guest is told of an address that cannot be connected to.
pub(super) fn address(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        std::io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        _ => Error::DestinationUnavailable,
    }
}

/// What the guest is told of a server that did not prove its name.
pub(super) fn tls(error: &std::io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        _ => Error::TlsProtocolError,
    }
}

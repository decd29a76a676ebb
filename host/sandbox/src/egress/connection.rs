use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::Request;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::client::conn::http1::{Builder, SendRequest};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsConnector;
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::io::TokioIo;

use super::destination::Destination;
use super::guest_error;
use super::headers::{MAX_BYTES, MAX_COUNT};
use super::network::Network;
use super::tally::{Counted, Tally};

type Body = UnsyncBoxBody<Bytes, Error>;

/// A connection to one server for one request. It works only while `pump` is alive.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    pub(super) pump: AbortOnDropJoinHandle<hyper::Result<()>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Connection {
    /// Connects to the first of `addresses` that accepts. The addresses were checked. The name is used for TLS
    /// only and not looked up again.
    pub(super) async fn open(
        to: &Destination,
        addresses: &[IpAddr],
        network: &Network,
        tally: &Tally,
        slot: OwnedSemaphorePermit,
    ) -> Result<Self, Error> {
        let socket = connect(addresses, to.port).await.map_err(|error| guest_error::address(&error))?;
        let stream: Box<dyn Stream> =
            if to.tls { Box::new(secure(socket, to, network).await?) } else { Box::new(socket) };
        let counted = Counted::new(stream, tally.clone(), slot);
        let (sender, connection) = Builder::new()
            .max_headers(MAX_COUNT)
            .max_buf_size(MAX_BYTES)
            .handshake(TokioIo::new(counted))
            .await
            .map_err(|error| guest_error::connection(&error))?;
        Ok(Self { sender, pump: spawn(connection) })
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<http::Response<hyper::body::Incoming>, Error> {
        self.sender.send_request(request).await.map_err(|error| guest_error::connection(&error))
    }
}

async fn connect(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::NotFound.into();
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(*address, port)).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn secure(
    socket: TcpStream,
    to: &Destination,
    network: &Network,
) -> Result<impl Stream + use<>, Error> {
    let name = match to.address() {
        Some(address) => ServerName::from(address),
        None => ServerName::try_from(to.host.clone()).map_err(|_| Error::HttpRequestUriInvalid)?,
    };
    let connector = TlsConnector::from(network.tls()?);
    connector.connect(name, socket).await.map_err(|error| guest_error::tls(&error))
}

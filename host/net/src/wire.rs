//! The transport of a link: one byte stream in each direction and their connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use iroh::TransportAddr;
use iroh::endpoint::{Connection, ConnectionError, Path, ReadError, RecvStream, SendStream, VarInt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_stream::StreamExt as _;

use crate::error::NetError;
use crate::memory_wire::MemoryWire;
use crate::path::{PathKind, PathLog, Route};

/// Most bytes that are read from a stream at once.
const READ_SIZE: usize = 64 * 1024;
const MEMORY_READ_SIZE: usize = 4 * 1024;

/// QUIC application code of an orderly end. To the receiver, every other code is an error.
pub(crate) const CODE_DONE: VarInt = VarInt::from_u32(0);

/// The outgoing stream.
pub(crate) enum Sink {
    Quic(SendStream),
    Memory(DuplexStream),
}

impl Sink {
    pub(crate) async fn write(&mut self, mut chunks: Vec<Bytes>) -> Result<(), NetError> {
        match self {
            Self::Quic(stream) => stream.write_all_chunks(&mut chunks).await.map_err(NetError::lost),
            Self::Memory(stream) => {
                for chunk in chunks {
                    stream.write_all(&chunk).await.map_err(NetError::lost)?;
                }
                Ok(())
            }
        }
    }

    /// Ends the stream, and returns when the peer's host has received all of it.
    pub(crate) async fn finish(self) {
        match self {
            Self::Quic(mut stream) => {
                // An error means that the connection is gone, so there is nothing left to wait for.
                if stream.finish().is_ok() {
                    drop(stream.stopped().await);
                }
            }
            Self::Memory(stream) => drop(stream),
        }
    }
}

/// The incoming stream.
pub(crate) enum Source {
    Quic(RecvStream),
    Memory(DuplexStream, Arc<MemoryWire>),
}

impl Source {
    /// Returns the next bytes, or `None` at an orderly end. Cancel-safe.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        match self {
            Self::Quic(stream) => stream.read_chunk(READ_SIZE).await.or_else(quic_end),
            Self::Memory(stream, wire) => memory_chunk(stream, wire).await,
        }
    }
}

fn quic_end(error: ReadError) -> Result<Option<Bytes>, NetError> {
    match error {
        ReadError::ConnectionLost(ConnectionError::LocallyClosed) => Ok(None),
        ReadError::ConnectionLost(ConnectionError::ApplicationClosed(close))
            if close.error_code == CODE_DONE =>
        {
            Ok(None)
        }
        other => Err(NetError::lost(other)),
    }
}

async fn memory_chunk(stream: &mut DuplexStream, wire: &MemoryWire) -> Result<Option<Bytes>, NetError> {
    let mut buffer = BytesMut::with_capacity(MEMORY_READ_SIZE);
    // As over QUIC, received bytes are delivered before the end of the connection.
    tokio::select! {
        biased;
        read = stream.read_buf(&mut buffer) => match read {
            Ok(0) => wire.end(),
            Ok(_) => Ok(Some(buffer.freeze())),
            Err(error) => Err(NetError::lost(error)),
        },
        () = wire.closed() => wire.end(),
    }
}

/// The connection of both streams.
pub(crate) enum Wire {
    Quic(Connection),
    Memory(Arc<MemoryWire>),
}

impl Wire {
    /// Ends the connection at once and drops bytes in transit. The peer receives `reason`.
    pub(crate) fn close(&self, reason: &'static str) {
        match self {
            Self::Quic(connection) => connection.close(CODE_DONE, reason.as_bytes()),
            Self::Memory(wire) => wire.close(),
        }
    }

    pub(crate) async fn closed(&self) {
        match self {
            Self::Quic(connection) => drop(connection.closed().await),
            Self::Memory(wire) => wire.closed().await,
        }
    }

    pub(crate) fn route(&self) -> Route {
        match self {
            Self::Quic(connection) => {
                selected_path(connection).map_or_else(|| Route::new(PathKind::None, ""), |(route, _)| route)
            }
            Self::Memory(_) => Route::new(PathKind::Memory, ""),
        }
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        match self {
            Self::Quic(connection) => selected_path(connection).map(|(_, rtt)| rtt),
            Self::Memory(_) => None,
        }
    }

    /// Records each change of the path. Never returns, because a connection can outlive all of its paths.
    pub(crate) async fn follow(&self, log: &PathLog) {
        if let Self::Quic(connection) = self {
            let mut changes = connection.paths_stream();
            while changes.next().await.is_some() {
                log.update(self.route());
            }
        }
        std::future::pending::<()>().await;
    }
}

fn selected_path(connection: &Connection) -> Option<(Route, Duration)> {
    let paths = connection.paths();
    let path = paths.iter().find(Path::is_selected).or_else(|| paths.iter().next())?;
    let route = match path.remote_addr() {
        TransportAddr::Ip(address) => Route::new(PathKind::Direct, address.to_string()),
        TransportAddr::Relay(url) => Route::new(PathKind::Relay, url.to_string()),
        _ => return None,
    };
    Some((route, path.rtt()))
}

//! What a link stands on: one byte stream each way and the connection they belong to.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use iroh::endpoint::{Connection, ConnectionError, ReadError, RecvStream, SendStream, VarInt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_stream::StreamExt as _;

use crate::memory::MemoryWire;
use crate::path::{PathLog, Route};
use crate::{NetError, PathKind};

/// The most that is taken from a stream at once.
const READ_SIZE: usize = 64 * 1024;
const MEMORY_READ_SIZE: usize = 4 * 1024;

/// QUIC application code of an orderly end; every other code is an error to the receiver.
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

    /// Ends the stream and returns when the peer's host has all of it.
    pub(crate) async fn finish(self) {
        match self {
            Self::Quic(mut stream) => {
                // An error on either means that the connection is gone, and so is this task's work.
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
    /// The next bytes; `None` at an orderly end. Cancel-safe.
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
    // Bytes that had arrived are delivered before the end of the connection is, as over QUIC.
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

/// The connection under both streams.
pub(crate) enum Wire {
    Quic(Connection),
    Memory(Arc<MemoryWire>),
}

impl Wire {
    /// Ends the connection now; bytes on the way are dropped. `reason` reaches the peer.
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
            Self::Quic(connection) => crate::quic::route(connection),
            Self::Memory(_) => Route::new(PathKind::Memory, ""),
        }
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        match self {
            Self::Quic(connection) => crate::quic::rtt(connection),
            Self::Memory(_) => None,
        }
    }

    /// Notes each change of path. Never returns: an end of the paths is not yet the end of the connection.
    pub(crate) async fn follow(&self, log: &PathLog) {
        if let Self::Quic(connection) = self {
            let mut changes = connection.paths_stream();
            while changes.next().await.is_some() {
                log.see(self.route());
            }
        }
        std::future::pending::<()>().await;
    }
}

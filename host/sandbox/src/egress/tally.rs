use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts the bytes, requests and connections of one call against its limits.
#[derive(Clone)]
pub(super) struct Tally(Arc<Counts>);

struct Counts {
    bytes: AtomicU64,
    max_bytes: u64,
    requests: AtomicU64,
    max_requests: u64,
    connections: Arc<Semaphore>,
}

/// The call has sent and received as many bytes as it may.
#[derive(Debug, thiserror::Error)]
#[error("the call's limit of bytes is reached")]
pub(super) struct ByteLimitReached;

/// The call has sent as many requests as it may, or as many bytes.
pub(super) struct RequestLimitReached;

impl Tally {
    pub(super) fn new(max_bytes: u64, max_requests: u64, max_connections: usize) -> Self {
        Self(Arc::new(Counts {
            bytes: AtomicU64::new(0),
            max_bytes,
            requests: AtomicU64::new(0),
            max_requests,
            connections: Arc::new(Semaphore::new(max_connections)),
        }))
    }

    /// Bytes in both directions, including headers, before encryption.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Counts one more request. Refused requests count, too, so that a guest cannot probe addresses for free.
    pub(super) fn request(&self) -> Result<(), RequestLimitReached> {
        let before = self.0.requests.fetch_add(1, Ordering::Relaxed);
        let within = before < self.0.max_requests && self.bytes() <= self.0.max_bytes;
        if within { Ok(()) } else { Err(RequestLimitReached) }
    }

    /// Takes the slot of a connection. Waits while all slots are taken.
    pub(super) async fn connection(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.connections).acquire_owned().await.ok()
    }

    fn add(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let total = self.0.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total <= self.0.max_bytes { Ok(()) } else { Err(io::Error::other(ByteLimitReached)) }
    }
}

/// A connection whose bytes are counted. It fails once the limit is reached, and drops the bytes beyond it.
pub(super) struct Counted<S> {
    io: S,
    tally: Tally,
    /// Released when the connection is dropped.
    _slot: OwnedSemaphorePermit,
}

impl<S> Counted<S> {
    pub(super) fn new(io: S, tally: Tally, slot: OwnedSemaphorePermit) -> Self {
        Self { io, tally, _slot: slot }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        Poll::Ready(self.tally.add(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        /// Most bytes that can leave before the limit is noticed.
        const STEP: usize = 16 * 1024;
        if self.tally.bytes() > self.tally.0.max_bytes {
            return Poll::Ready(Err(io::Error::other(ByteLimitReached)));
        }
        let bytes = &bytes[..bytes.len().min(STEP)];
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.tally.add(written)?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

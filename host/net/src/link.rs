use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use coworker_policy::PeerId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Closed, NetError};
use crate::frame::{Assembler, pack};
use crate::path::{PathChanges, PathInfo, PathLog};
use crate::queue::{Queue, Rejected, cost};
use crate::wire::{Sink, Source, Wire};

/// Most bytes of frames that may be queued on one link. A peer that reads too slowly for this limit is cut off.
pub const QUEUE_LIMIT: usize = 64 << 20;

/// How long a closing link may take to deliver queued frames.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Which of an agent's endpoints a link uses. It does not affect the peer's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    /// The endpoint of the identity key, which all peers may dial.
    Identity,
    /// The endpoint that only admitted peers may dial.
    Direct,
}

/// A connection with one authenticated peer. It ends when either side closes it, drops its receiver or drops all
/// of its senders. Frames already queued are still delivered (for up to two seconds).
pub struct Link {
    /// The identity of the other side. At the identity endpoint the peer has proved that it holds this key. At the
    /// direct endpoint it has proved that it holds the key that was [admitted](crate::Network::admit) for this peer.
    pub peer: PeerId,
    /// True if we dialled, false if the peer did.
    pub dialed: bool,
    pub endpoint: EndpointKind,
    pub sender: LinkSender,
    pub receiver: LinkReceiver,
}

impl Link {
    /// The current path, for the owner only: `direct 192.0.2.7:4433`, `relay https://…` or `memory`.
    pub fn path(&self) -> String {
        self.sender.path()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).field("dialed", &self.dialed).finish_non_exhaustive()
    }
}

/// The sending half. Clones send on the same stream.
#[derive(Clone)]
pub struct LinkSender {
    handle: Arc<SenderHandle>,
}

/// Closes the link when the last sender is dropped.
struct SenderHandle(Arc<Shared>);

impl Drop for SenderHandle {
    fn drop(&mut self) {
        self.0.close("done");
    }
}

impl LinkSender {
    /// Queues a frame without waiting. Success does not mean delivery, because the link can still be lost.
    ///
    /// # Errors
    /// [`Closed`] if the link is closed or closing, or if the queue would exceed [`QUEUE_LIMIT`], which also ends
    /// the link at once.
    pub fn send(&self, frame: Vec<u8>) -> Result<(), Closed> {
        self.shared().queue.push(frame).map_err(|rejected| {
            if rejected == Rejected::Full {
                self.shared().abandon("too slow");
            }
            Closed
        })
    }

    /// Delivers queued frames (for up to two seconds), then ends the link. Our own receiver ends at once. The peer
    /// receives `reason`, so it is a fixed text.
    pub fn close(&self, reason: &'static str) {
        self.shared().close(reason);
    }

    /// Returns true if [`send`](Self::send) would fail.
    pub fn is_closed(&self) -> bool {
        self.shared().queue.is_shut()
    }

    /// Waits until the link has ended.
    pub async fn closed(&self) {
        self.shared().ended.cancelled().await;
    }

    /// See [`Link::path`].
    pub fn path(&self) -> String {
        self.shared().wire.route().text()
    }

    /// The current path, its duration and its round-trip time.
    pub fn path_info(&self) -> PathInfo {
        let shared = self.shared();
        shared.paths.update(shared.wire.route());
        shared.paths.info(shared.wire.rtt())
    }

    /// Notifies of changes of the path from now on.
    pub fn path_changes(&self) -> PathChanges {
        self.shared().paths.changes()
    }

    fn shared(&self) -> &Shared {
        &self.handle.0
    }
}

/// The receiving half.
pub struct LinkReceiver {
    shared: Arc<Shared>,
    source: Source,
    unread: Bytes,
    assembler: Assembler,
}

impl LinkReceiver {
    /// Returns the next frame, or `None` at an orderly end. Cancel-safe.
    ///
    /// # Errors
    /// [`NetError::FrameTooLarge`] for a frame of more than `max` bytes, before anything is allocated for it. The
    /// link is unusable then. [`NetError::Truncated`] and [`NetError::Lost`] for an end that is not orderly.
    pub async fn recv(&mut self, max: usize) -> Result<Option<Vec<u8>>, NetError> {
        if self.shared.closing.is_cancelled() {
            return Ok(None);
        }
        loop {
            if let Some(frame) = self.assembler.take(&mut self.unread, max)? {
                return Ok(Some(frame));
            }
            let chunk = tokio::select! {
                chunk = self.source.chunk() => chunk?,
                () = self.shared.closing.cancelled() => return Ok(None),
            };
            match chunk {
                Some(bytes) => self.unread = bytes,
                None if self.assembler.is_empty() => return Ok(None),
                None => return Err(NetError::Truncated),
            }
        }
    }
}

impl Drop for LinkReceiver {
    fn drop(&mut self) {
        self.shared.close("done");
    }
}

/// The state that both halves and the writing task share.
struct Shared {
    queue: Queue,
    wire: Wire,
    paths: PathLog,
    reason: OnceLock<&'static str>,
    /// Our side is closing the link.
    closing: CancellationToken,
    /// Our side does not wait for queued frames.
    abandoned: CancellationToken,
    /// The link has ended.
    ended: CancellationToken,
}

impl Shared {
    fn new(wire: Wire) -> Self {
        Self {
            queue: Queue::new(QUEUE_LIMIT),
            paths: PathLog::new(wire.route()),
            wire,
            reason: OnceLock::new(),
            closing: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    fn close(&self, reason: &'static str) {
        // Only the first reason is sent.
        self.reason.get_or_init(|| reason);
        self.closing.cancel();
        self.queue.shut();
    }

    fn abandon(&self, reason: &'static str) {
        self.close(reason);
        self.abandoned.cancel();
    }

    /// Writes frames until the link is closing or lost, then ends it.
    async fn drive(&self, sink: Sink, cancel: CancellationToken) {
        tokio::select! {
            () = self.write(sink) => {}
            () = self.wire.closed() => {}
            () = self.drain_timeout(cancel) => {}
            () = self.wire.follow(&self.paths) => {}
        }
        self.queue.shut();
        self.wire.close(self.reason.get().copied().unwrap_or("done"));
        self.ended.cancel();
    }

    async fn write(&self, mut sink: Sink) {
        while let Some(frames) = self.queue.take().await {
            let held = frames.iter().map(|frame| cost(frame)).sum();
            if let Err(error) = sink.write(pack(frames)).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a link ended while writing");
                return;
            }
            self.queue.release(held);
        }
        sink.finish().await;
    }

    /// Waits until closing has exceeded its timeout.
    async fn drain_timeout(&self, cancel: CancellationToken) {
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = cancel.cancelled() => self.close("shutting down"),
        }
        tokio::select! {
            () = tokio::time::sleep(DRAIN_TIMEOUT) => {}
            () = self.abandoned.cancelled() => {}
        }
    }
}

/// Starts links, and ends all of them together.
#[derive(Clone, Default)]
pub(crate) struct Links {
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Links {
    pub(crate) fn start(&self, end: LinkEnd) -> Link {
        let shared = Arc::new(Shared::new(end.wire));
        let driven = Arc::clone(&shared);
        let cancel = end.cancel.unwrap_or_else(|| self.shutdown.clone());
        self.tasks.spawn(async move {
            driven.drive(end.sink, cancel).await;
            drop(end.held);
        });
        Link {
            peer: end.peer,
            dialed: end.dialed,
            endpoint: end.endpoint,
            sender: LinkSender { handle: Arc::new(SenderHandle(Arc::clone(&shared))) },
            receiver: LinkReceiver {
                shared,
                source: end.source,
                unread: Bytes::new(),
                assembler: Assembler::default(),
            },
        }
    }

    /// Returns true if both are the same set of links.
    pub(crate) fn is(&self, other: &Self) -> bool {
        TaskTracker::ptr_eq(&self.tasks, &other.tasks)
    }

    /// Ends every link after delivering queued frames, and waits for the end (slightly over two seconds at most).
    pub(crate) async fn close(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A resource that is dropped when the link has ended.
pub(crate) type Held = Box<dyn Send>;

/// One end of a new connection.
pub(crate) struct LinkEnd {
    pub(crate) peer: PeerId,
    pub(crate) dialed: bool,
    pub(crate) endpoint: EndpointKind,
    pub(crate) sink: Sink,
    pub(crate) source: Source,
    pub(crate) wire: Wire,
    /// Ends the link. `None` means that it ends with all links.
    pub(crate) cancel: Option<CancellationToken>,
    pub(crate) held: Option<Held>,
}

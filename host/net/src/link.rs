use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use coworker_policy::PeerId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::frame::{Assembler, pack};
use crate::path::PathLog;
use crate::queue::{Queue, Rejected, cost};
use crate::wire::{Sink, Source, Wire};
use crate::{Closed, Entrance, NetError, PathChanges, PathInfo};

/// How many bytes of frames may wait on one link. A peer that reads so slowly that more would wait is cut off.
pub const QUEUE_LIMIT: usize = 64 << 20;

/// How long a closing link may take to deliver what is queued.
const DRAIN: Duration = Duration::from_secs(2);

/// A connection with one authenticated peer. It ends when either side closes it, drops its receiver or drops
/// all of its senders; frames already queued are still delivered (for up to two seconds).
pub struct Link {
    /// Who the other side is. At the front door it proved to hold this key; at the direct one it proved to hold
    /// the key that we [admitted](crate::Network::admit) for this peer.
    pub peer: PeerId,
    /// Whether we dialled; otherwise they did.
    pub dialed: bool,
    pub entrance: Entrance,
    pub sender: LinkSender,
    pub receiver: LinkReceiver,
}

impl Link {
    /// What the link runs over now, for the owner: `direct 192.0.2.7:4433`, `relay https://…` or `memory`.
    pub fn path(&self) -> String {
        self.sender.path()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).field("dialed", &self.dialed).finish_non_exhaustive()
    }
}

/// The sending half. Clones feed the same stream.
#[derive(Clone)]
pub struct LinkSender {
    handle: Arc<SenderHandle>,
}

/// Closes the link when the last sender goes.
struct SenderHandle(Arc<Shared>);

impl Drop for SenderHandle {
    fn drop(&mut self) {
        self.0.close("done");
    }
}

impl LinkSender {
    /// Queues a frame behind those before it; never waits. Accepted is not delivered: the link may still be lost.
    ///
    /// # Errors
    /// [`Closed`] when the link is closed or closing, and when more than [`QUEUE_LIMIT`] bytes would wait,
    /// which also ends the link at once.
    pub fn send(&self, frame: Vec<u8>) -> Result<(), Closed> {
        self.shared().queue.push(frame).map_err(|rejected| {
            if rejected == Rejected::Full {
                self.shared().abandon("too slow");
            }
            Closed
        })
    }

    /// Delivers what is queued (for up to two seconds), then ends the link; our own receiver ends at once.
    /// The peer is told `reason`, so it is fixed text.
    pub fn close(&self, reason: &'static str) {
        self.shared().close(reason);
    }

    /// Whether [`send`](Self::send) would fail.
    pub fn is_closed(&self) -> bool {
        self.shared().queue.is_shut()
    }

    /// Returns when the link is over, whoever ended it.
    pub async fn closed(&self) {
        self.shared().ended.cancelled().await;
    }

    /// See [`Link::path`].
    pub fn path(&self) -> String {
        self.shared().wire.route().text()
    }

    /// What the link runs over now, since when, and how far away the peer is.
    pub fn path_info(&self) -> PathInfo {
        let shared = self.shared();
        shared.paths.see(shared.wire.route());
        shared.paths.info(shared.wire.rtt())
    }

    /// Tells of each change of the path, from now on.
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
    /// The next frame; `None` at an orderly end. Cancel-safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// [`NetError::FrameTooLarge`] for a frame of more than `max` bytes, before anything is allocated for it; the
    /// link is of no use then. [`NetError::Truncated`] and [`NetError::Lost`] for an end that is not orderly.
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

/// What both halves and the writing task hold.
struct Shared {
    queue: Queue,
    wire: Wire,
    paths: PathLog,
    reason: OnceLock<&'static str>,
    /// Our side wants the end.
    closing: CancellationToken,
    /// … and does not wait for queued frames.
    abandoned: CancellationToken,
    /// The link is over.
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
        // The first reason is the one that counts.
        self.reason.get_or_init(|| reason);
        self.closing.cancel();
        self.queue.shut();
    }

    fn abandon(&self, reason: &'static str) {
        self.close(reason);
        self.abandoned.cancel();
    }

    /// Writes until the link is to end, then ends it.
    async fn drive(&self, sink: Sink, shutdown: CancellationToken) {
        tokio::select! {
            () = self.write(sink) => {}
            () = self.wire.closed() => {}
            () = self.out_of_time(shutdown) => {}
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

    /// Returns when a wanted end has taken too long.
    async fn out_of_time(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = shutdown.cancelled() => self.close("shutting down"),
        }
        tokio::select! {
            () = tokio::time::sleep(DRAIN) => {}
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
    pub(crate) fn start(&self, end: End) -> Link {
        let shared = Arc::new(Shared::new(end.wire));
        let driven = Arc::clone(&shared);
        let over = end.over.unwrap_or_else(|| self.shutdown.clone());
        self.tasks.spawn(async move {
            driven.drive(end.sink, over).await;
            drop(end.held);
        });
        Link {
            peer: end.peer,
            dialed: end.dialed,
            entrance: end.entrance,
            sender: LinkSender { handle: Arc::new(SenderHandle(Arc::clone(&shared))) },
            receiver: LinkReceiver {
                shared,
                source: end.source,
                unread: Bytes::new(),
                assembler: Assembler::default(),
            },
        }
    }

    /// Whether both are the same set of links.
    pub(crate) fn is(&self, other: &Self) -> bool {
        TaskTracker::ptr_eq(&self.tasks, &other.tasks)
    }

    /// Ends every link, delivering what is queued, and waits for that (a little over two seconds at most).
    pub(crate) async fn close(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What is kept until the link is over, only to be dropped then.
pub(crate) type Held = Box<dyn Send>;

/// One end of a fresh connection.
pub(crate) struct End {
    pub(crate) peer: PeerId,
    pub(crate) dialed: bool,
    pub(crate) entrance: Entrance,
    pub(crate) sink: Sink,
    pub(crate) source: Source,
    pub(crate) wire: Wire,
    /// Ends the link; if `None`, what ends all links does.
    pub(crate) over: Option<CancellationToken>,
    pub(crate) held: Option<Held>,
}

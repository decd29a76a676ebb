//! The in-memory counterpart of a QUIC connection.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use coworker_policy::PeerId;
use tokio_util::sync::CancellationToken;

use crate::error::NetError;

pub(crate) struct MemoryWire {
    ends: (PeerId, PeerId),
    closed: CancellationToken,
    lost: AtomicBool,
}

impl MemoryWire {
    pub(crate) fn new(from: PeerId, to: PeerId) -> Self {
        Self { ends: (from, to), closed: CancellationToken::new(), lost: AtomicBool::new(false) }
    }

    pub(crate) fn is_between(&self, a: PeerId, b: PeerId) -> bool {
        self.ends == (a, b) || self.ends == (b, a)
    }

    pub(crate) fn has_end(&self, peer: PeerId) -> bool {
        self.ends.0 == peer || self.ends.1 == peer
    }

    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// The result of a read once no bytes are left.
    pub(crate) fn end(&self) -> Result<Option<Bytes>, NetError> {
        if self.lost.load(Ordering::Acquire) {
            return Err(NetError::lost(io::Error::from(io::ErrorKind::ConnectionReset)));
        }
        Ok(None)
    }

    pub(crate) fn lose(&self) {
        // An orderly end must not turn into a loss afterwards.
        if !self.closed.is_cancelled() {
            self.lost.store(true, Ordering::Release);
            self.closed.cancel();
        }
    }
}

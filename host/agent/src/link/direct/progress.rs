use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coworker_channel::DirectCard;
use coworker_policy::PeerId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::link::backoff::Backoff;

/// The state of direct ways in this process.
#[derive(Default)]
pub(in crate::link) struct Direct {
    pub(super) wake: Notify,
    by_peer: Mutex<Progress>,
    /// Held during a review.
    pub(super) reviewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct Progress {
    /// The peers that the network lets in, and the card of each.
    pub(super) admitted: HashMap<PeerId, DirectCard>,
    /// Our card as each peer was told it.
    pub(super) told: HashMap<PeerId, DirectCard>,
    pub(super) tries: HashMap<PeerId, Tries>,
}

/// Attempts to move one peer's session.
pub(super) struct Tries {
    pub(super) due: Instant,
    pub(super) backoff: Backoff,
}

impl Direct {
    /// Has the peers reviewed: one came, or asks, or changed.
    pub(in crate::link) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.by_peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

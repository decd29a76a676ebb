use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use coworker_policy::trust::Trust;
use coworker_policy::{PeerId, Tier};
use tokio::sync::Notify;

/// The trust in peers, in memory, because every message asks for it. A peer without an entry is UNTRUSTED.
#[derive(Default)]
pub(super) struct Tiers {
    by_peer: RwLock<HashMap<PeerId, Trust>>,
    lease_ends_moved: Notify,
}

impl Tiers {
    /// A lease that is over gives nothing, even before its end was written down.
    pub(super) fn tier_at(&self, peer: PeerId, now_ms: i64) -> Tier {
        // A poisoned lock means a panic elsewhere: deny.
        let Ok(by_peer) = self.by_peer.read() else { return Tier::Untrusted };
        by_peer.get(&peer).map(|trust| trust.tier_at(now_ms)).unwrap_or_default()
    }

    pub(super) fn set(&self, peer: PeerId, trust: Option<Trust>) {
        let mut by_peer = self.by_peer.write().unwrap_or_else(PoisonError::into_inner);
        let end = |trust: &Trust| trust.lease().and_then(|lease| lease.until_ms);
        let after = trust.as_ref().and_then(end);
        let before = match trust {
            Some(trust) => by_peer.insert(peer, trust),
            None => by_peer.remove(&peer),
        };
        if before.as_ref().and_then(end) != after {
            self.lease_ends_moved.notify_one();
        }
    }

    /// Returns when a lease began, ended or moved since this returned the last time.
    pub(super) async fn lease_ends_moved(&self) {
        self.lease_ends_moved.notified().await;
    }
}

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use coworker_policy::trust::Trust;
use coworker_policy::{PeerId, Tier};
use tokio::sync::Notify;

use crate::base::clock::now_ms;

/// What we think of peers, in memory: asked at every message. Who has no entry is UNTRUSTED.
#[derive(Default)]
pub(crate) struct TrustBook {
    book: RwLock<HashMap<PeerId, Trust>>,
    /// The next lease may end at another time than before.
    ends_moved: Notify,
}

impl TrustBook {
    /// A lease whose time is over gives nothing, whether or not its end was written down yet.
    pub(crate) fn tier(&self, peer: PeerId) -> Tier {
        // A poisoned lock means a panic elsewhere: deny.
        let tier = |book: &HashMap<PeerId, Trust>| book.get(&peer).map(|trust| trust.tier_at(now_ms()));
        self.book.read().map_or(Tier::Untrusted, |book| tier(&book).unwrap_or_default())
    }

    pub(crate) fn set(&self, peer: PeerId, trust: Option<Trust>) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let end = |trust: &Trust| trust.lease().and_then(|lease| lease.until_ms);
        let after = trust.as_ref().and_then(end);
        let before = match trust {
            Some(trust) => book.insert(peer, trust),
            None => book.remove(&peer),
        };
        if before.as_ref().and_then(end) != after {
            self.ends_moved.notify_one();
        }
    }

    /// Returns when a lease came, went or moved since this returned the last time.
    pub(crate) async fn ends_moved(&self) {
        self.ends_moved.notified().await;
    }
}

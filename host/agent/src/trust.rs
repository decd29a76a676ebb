use std::collections::HashMap;
use std::sync::RwLock;

use coworker_policy::{PeerId, Tier};

/// The owner's decisions about peers, in memory: asked at every message. Who has no entry is UNTRUSTED.
#[derive(Default)]
pub(crate) struct TrustBook(RwLock<HashMap<PeerId, Tier>>);

impl TrustBook {
    pub(crate) fn new(decisions: impl IntoIterator<Item = (PeerId, Tier)>) -> Self {
        Self(RwLock::new(decisions.into_iter().collect()))
    }

    pub(crate) fn tier(&self, peer: PeerId) -> Tier {
        // A poisoned lock means a panic elsewhere: deny.
        self.0.read().map_or(Tier::Untrusted, |book| book.get(&peer).copied().unwrap_or_default())
    }

    pub(crate) fn set(&self, peer: PeerId, tier: Option<Tier>) {
        let mut book = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match tier {
            Some(tier) => book.insert(peer, tier),
            None => book.remove(&peer),
        };
    }
}

//! The peers that are connected now. A call whose caller is gone has nobody to answer, and a question to a peer that is
//! gone must be sent again: both wait here for the connection to end or to come back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coworker_policy::PeerId;
use tokio::sync::watch;

/// Written by the state actor alone, which knows the connections.
#[derive(Default)]
pub(crate) struct Presence {
    peers: Mutex<HashMap<PeerId, watch::Sender<bool>>>,
}

/// Follows one peer's connection.
pub(crate) struct Whereabouts(watch::Receiver<bool>);

impl Presence {
    pub(crate) fn set(&self, peer: PeerId, linked: bool) {
        let mut peers = self.lock();
        peers.entry(peer).or_insert_with(|| watch::Sender::new(linked)).send_replace(linked);
        forget_idle(&mut peers);
    }

    pub(crate) fn is_linked(&self, peer: PeerId) -> bool {
        self.lock().get(&peer).is_some_and(|linked| *linked.borrow())
    }

    pub(crate) fn of(&self, peer: PeerId) -> Whereabouts {
        let mut peers = self.lock();
        forget_idle(&mut peers);
        Whereabouts(peers.entry(peer).or_insert_with(|| watch::Sender::new(false)).subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, watch::Sender<bool>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets absent peers that nobody waits for. Anybody may dial, so they must not pile up.
fn forget_idle(peers: &mut HashMap<PeerId, watch::Sender<bool>>) {
    peers.retain(|_, linked| *linked.borrow() || linked.receiver_count() > 0);
}

impl Whereabouts {
    /// Returns when the peer has no connection.
    pub(crate) async fn gone(&mut self) {
        self.becomes(false).await;
    }

    /// Returns when the peer has a connection.
    pub(crate) async fn back(&mut self) {
        self.becomes(true).await;
    }

    async fn becomes(&mut self, linked: bool) {
        // The sender lives as long as this receiver, so the channel never closes.
        let _ = self.0.wait_for(|now| *now == linked).await;
    }
}

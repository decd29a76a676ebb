use coworker_policy::PeerId;
use coworker_store::Peer;

use crate::state::{StateError, Transaction};

/// Strangers remembered at most; the one that was unseen for longest makes room.
const MAX_STRANGERS: usize = 512;

/// Adds a row for a peer that was never met. Anybody may dial, so the number of strangers is bounded.
pub(super) fn meet(tx: &mut Transaction<'_>, peer: PeerId) -> Result<(), StateError> {
    if tx.store.peer(peer)?.is_some() {
        return Ok(());
    }
    for stranger in tx.store.strangers_beyond(MAX_STRANGERS - 1)? {
        tx.forget(stranger)?;
    }
    Ok(tx.store.add_peer(&Peer {
        id: peer,
        name: None,
        relay: None,
        addresses: Vec::new(),
        chosen: false,
        added_ms: tx.now,
        seen_ms: Some(tx.now),
    })?)
}

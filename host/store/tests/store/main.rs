#![cfg(test)]

mod audit;
mod disclosed;
mod format;
mod goals;
mod invites;
mod outbox;
mod owner;
mod receipts;
mod requests;
mod shown;
mod state;
mod tasks;
mod transactions;
mod trust;

use coworker_policy::PeerId;
use coworker_store::{SessionRow, Store, StoreError, Tx};

fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

fn session(n: u8, id: u8) -> SessionRow {
    SessionRow { peer: peer(n), id: [id; 32], sent: 0, acked: 0, received: 0 }
}

/// Runs one committed transaction.
fn with<T>(store: &mut Store, f: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
    store.write(f).unwrap()
}

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

use coworker_policy::{PeerId, RequestId};
use coworker_store::{SessionRow, Store, StoreError, Tx};

fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

fn session(n: u8, id: u8) -> SessionRow {
    SessionRow { peer: peer(n), id: [id; 32], sent: 0, acked: 0, received: 0 }
}

/// An id that begins with the bytes of `name` in hexadecimal.
fn id(name: &str) -> RequestId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-").parse().unwrap()
}

/// Runs `f` in a transaction and commits it.
fn with<T>(store: &mut Store, f: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
    store.write(f).unwrap()
}

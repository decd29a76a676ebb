use std::fs;

use coworker_policy::Tier;
use coworker_store::{Store, StoreError};
use openmls_traits::storage::{CURRENT_VERSION, Entity, Key, StorageProvider, traits};
use serde::{Deserialize, Serialize};

use crate::{peer, session, with};

/// A stand-in for the types of openmls.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Secret(Vec<u8>);

impl Key<CURRENT_VERSION> for Secret {}
impl Entity<CURRENT_VERSION> for Secret {}
impl traits::EncryptionKey<CURRENT_VERSION> for Secret {}
impl traits::HpkeKeyPair<CURRENT_VERSION> for Secret {}

fn name() -> Secret {
    Secret(b"public".to_vec())
}

#[test]
fn a_dropped_transaction_is_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    tx.set_tier(peer(1), Tier::Privileged, "", 0).unwrap();
    drop(tx);
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(with(&mut store, |tx| tx.tier(peer(1))), Tier::Untrusted);
}

/// Copies the files while a transaction that is larger than the cache is open, as a killed process leaves them.
#[test]
fn a_crash_in_a_transaction_leaves_the_last_commit() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = Store::open(&dir.path().join("agent.db")).unwrap();
    with(&mut store, |tx| tx.enqueue(peer(1), b"kept", None, 0).map(drop));
    let tx = store.begin().unwrap();
    for _ in 0..40 {
        tx.enqueue(peer(1), &vec![0x5a; 100_000], None, 0).unwrap();
    }
    for file in ["agent.db", "agent.db-wal"] {
        fs::copy(dir.path().join(file), crashed.path().join(file)).unwrap();
    }
    assert!(
        fs::metadata(crashed.path().join("agent.db-wal")).unwrap().len() > 1_000_000,
        "the transaction was not written to the log"
    );

    let mut store = Store::open(&crashed.path().join("agent.db")).unwrap();

    let messages = with(&mut store, |tx| tx.unsealed(peer(1), 10, 1_000_000));
    assert_eq!(messages.into_iter().map(|(_, body)| body).collect::<Vec<_>>(), [b"kept"]);
}

#[test]
fn an_error_rolls_the_transaction_back() {
    let mut store = Store::in_memory().unwrap();
    let outcome: Result<(), StoreError> = store.write(|tx| {
        tx.set_tier(peer(1), Tier::Known, "", 0)?;
        Err(StoreError::NotWaiting { id: 1 })
    });
    assert!(outcome.is_err());
    assert_eq!(with(&mut store, |tx| tx.tier(peer(1))), Tier::Untrusted);
}

#[test]
fn a_failed_savepoint_does_not_undo_the_others() {
    let mut store = Store::in_memory().unwrap();
    let tx = store.begin().unwrap();
    tx.savepoint(|tx| tx.set_tier(peer(1), Tier::Known, "", 0)).unwrap();
    let failed: Result<(), StoreError> = tx.savepoint(|tx| {
        tx.set_tier(peer(1), Tier::Privileged, "", 0)?;
        tx.savepoint(|tx| tx.set_tier(peer(2), Tier::Known, "", 0))?;
        tx.mls().write_encryption_key_pair(&name(), &Secret(vec![1])).map_err(StoreError::from)?;
        Err(StoreError::NotWaiting { id: 1 })
    });
    assert!(failed.is_err());
    tx.savepoint(|tx| tx.set_tier(peer(3), Tier::Internal, "", 0)).unwrap();
    tx.commit().unwrap();

    let tiers: Vec<Tier> =
        with(&mut store, |tx| [1, 2, 3].map(|n| tx.tier(peer(n))).into_iter().collect::<Result<_, _>>());
    assert_eq!(tiers, vec![Tier::Known, Tier::Untrusted, Tier::Internal]);
    assert_eq!(mls_secret(&mut store), None);
}

#[test]
fn the_ratchet_and_the_outbox_commit_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    with(&mut store, |tx| {
        tx.put_session(&session(1, 1))?;
        tx.seal(peer(1), 1, &[], b"cipher")?;
        Ok(tx.mls().write_encryption_key_pair(&name(), &Secret(vec![1]))?)
    });
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(mls_secret(&mut store), Some(Secret(vec![1])));

    let outcome: Result<(), StoreError> = store.write(|tx| {
        tx.mls().write_encryption_key_pair(&name(), &Secret(vec![2]))?;
        tx.seal(peer(1), 1, &[], b"the same number again")
    });

    assert!(matches!(outcome, Err(StoreError::OutOfStep { seq: 1, .. })), "{outcome:?}");
    assert_eq!(mls_secret(&mut store), Some(Secret(vec![1])));
}

fn mls_secret(store: &mut Store) -> Option<Secret> {
    with(store, |tx| Ok(tx.mls().encryption_key_pair(&name())?))
}

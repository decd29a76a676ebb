use coworker_policy::Digest;
use coworker_store::{Component, StateChange, StateSize, Store, StoreError, Tx};

use crate::with;

const OWN: &str = "caller:00112233445566778899aabbccddeeff";

fn digest(n: u8) -> Digest {
    Digest::of(&[n])
}

/// A store with two components.
fn store() -> Store {
    let mut store = Store::in_memory().unwrap();
    for n in [1, 2] {
        with(&mut store, |tx| install(tx, n));
    }
    store
}

fn install(tx: &Tx<'_>, n: u8) -> Result<(), StoreError> {
    let component =
        Component { digest: digest(n), origin: String::new(), size: 1, imports: Vec::new(), added_ms: 0 };
    tx.add_component(&component, &[])
}

fn set(store: &mut Store, n: u8, bucket: &str, key: &str, value: Option<&[u8]>) {
    with(store, |tx| tx.apply_state(digest(n), &[StateChange { bucket, key, value }]));
}

fn get(store: &mut Store, n: u8, bucket: &str, key: &str) -> Option<Vec<u8>> {
    with(store, |tx| tx.state_get(digest(n), bucket, key))
}

#[test]
fn state_is_stored_replaced_and_deleted() {
    let mut store = store();
    set(&mut store, 1, "skill", "a", Some(b"one"));
    set(&mut store, 1, "skill", "a", Some(b"\0two"));
    set(&mut store, 1, "skill", "empty", Some(b""));
    assert_eq!(get(&mut store, 1, "skill", "a").as_deref(), Some(b"\0two".as_slice()));
    assert_eq!(get(&mut store, 1, "skill", "empty").as_deref(), Some(b"".as_slice()));
    set(&mut store, 1, "skill", "a", None);
    set(&mut store, 1, "skill", "never there", None);
    assert_eq!(get(&mut store, 1, "skill", "a"), None);
}

#[test]
fn components_and_buckets_do_not_see_each_other() {
    let mut store = store();
    set(&mut store, 1, OWN, "k", Some(b"mine"));
    assert_eq!(get(&mut store, 2, OWN, "k"), None);
    assert_eq!(get(&mut store, 1, "skill", "k"), None);
    assert_eq!(get(&mut store, 1, "caller:ff", "k"), None);
    set(&mut store, 2, OWN, "k", None);
    assert_eq!(get(&mut store, 1, OWN, "k").as_deref(), Some(b"mine".as_slice()));
    assert_eq!(with(&mut store, |tx| tx.state_keys(digest(2), OWN, None, 9)), Vec::<String>::new());
    assert_eq!(with(&mut store, |tx| tx.state_size(digest(2), OWN)), StateSize::default());
}

#[test]
fn keys_are_paged_in_byte_order() {
    let mut store = store();
    for key in ["é", "b", "a", "B", "a\0b", "ab"] {
        set(&mut store, 1, "skill", key, Some(b"12"));
    }
    let mut page =
        |after: Option<&str>, limit| with(&mut store, |tx| tx.state_keys(digest(1), "skill", after, limit));
    assert_eq!(page(None, 9), ["B", "a", "a\0b", "ab", "b", "é"]);
    assert_eq!(page(None, 2), ["B", "a"]);
    assert_eq!(page(Some("a"), 2), ["a\0b", "ab"]);
    assert_eq!(page(Some("no such key"), 9), ["é"]);
    let size = with(&mut store, |tx| tx.state_size(digest(1), "skill"));
    assert_eq!(size, StateSize { keys: 6, bytes: 1 + 1 + 3 + 2 + 1 + 2 + 6 * 2 });
}

#[test]
fn removing_a_component_deletes_its_state() {
    let mut store = store();
    set(&mut store, 1, "skill", "k", Some(b"v"));
    with(&mut store, |tx| tx.remove_component(digest(1)));
    // A call that was still running.
    set(&mut store, 1, "skill", "late", Some(b"v"));
    with(&mut store, |tx| install(tx, 1));
    assert_eq!(with(&mut store, |tx| tx.state_size(digest(1), "skill")), StateSize::default());
}

#[test]
fn an_update_keeps_the_state() {
    let mut store = store();
    set(&mut store, 1, "skill", "k", Some(b"old"));
    set(&mut store, 2, "skill", "foreign", Some(b"x"));
    with(&mut store, |tx| tx.move_state(digest(1), digest(1)));
    with(&mut store, |tx| {
        tx.move_state(digest(1), digest(2))?;
        tx.remove_component(digest(1)).map(drop)
    });
    assert_eq!(get(&mut store, 2, "skill", "k").as_deref(), Some(b"old".as_slice()));
    assert_eq!(get(&mut store, 2, "skill", "foreign"), None);
}

#[test]
fn state_is_deleted_on_demand() {
    let mut store = store();
    set(&mut store, 1, "skill", "k", Some(b"v"));
    set(&mut store, 1, OWN, "k", Some(b"v"));
    set(&mut store, 2, "skill", "k", Some(b"v"));
    assert_eq!(with(&mut store, |tx| tx.drop_state(digest(1))), 2);
    assert_eq!(get(&mut store, 1, OWN, "k"), None);
    assert!(get(&mut store, 2, "skill", "k").is_some());
}

#[test]
fn a_failed_transaction_changes_nothing() {
    let mut store = store();
    let change = StateChange { bucket: "skill", key: "k", value: Some(b"v") };
    let odd = StateChange { bucket: "caller:", ..change };
    let failed: Result<(), StoreError> = store.write(|tx| tx.apply_state(digest(1), &[change, odd]));
    assert!(failed.is_err(), "a caller without a name");
    assert_eq!(get(&mut store, 1, "skill", "k"), None);
}

use coworker_store::{Store, StoreError, Tx};

use crate::{id, peer, session, with};

/// Queues `bodies` for peer 1 and seals them as message `seq`.
fn seal(tx: &Tx<'_>, seq: u64, bodies: &[&str]) -> Result<Vec<i64>, StoreError> {
    let queued: Result<Vec<i64>, _> =
        bodies.iter().map(|body| tx.enqueue(peer(1), body.as_bytes(), Some(id(body)), 0)).collect();
    let ids = queued?;
    tx.seal(peer(1), seq, &ids, format!("cipher {seq}").as_bytes())?;
    Ok(ids)
}

fn bodies(store: &mut Store) -> Vec<String> {
    let messages = with(store, |tx| tx.unsealed(peer(1), 100, 100_000));
    messages.into_iter().map(|(_, body)| String::from_utf8(body).unwrap()).collect()
}

fn connected() -> Store {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| tx.put_session(&session(1, 1)));
    store
}

#[test]
fn messages_are_taken_in_order_and_within_the_limits() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        for body in ["aaaa", "bb", "cccccc", "d"] {
            tx.enqueue(peer(1), body.as_bytes(), None, 0)?;
        }
        tx.enqueue(peer(2), b"for another", None, 0).map(drop)
    });
    let mut take = |count, bytes| {
        let taken = with(&mut store, |tx| tx.unsealed(peer(1), count, bytes));
        taken.into_iter().map(|(_, body)| String::from_utf8(body).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(take(100, 100), ["aaaa", "bb", "cccccc", "d"]);
    assert_eq!(take(2, 100), ["aaaa", "bb"]);
    assert_eq!(take(100, 11), ["aaaa", "bb"], "never skips a message to fill the rest");
    assert_eq!(take(100, 12), ["aaaa", "bb", "cccccc"]);
    assert_eq!(take(100, 1), ["aaaa"], "a large message is returned alone");
    assert_eq!(take(0, 100), [""; 0]);
}

#[test]
fn sealed_messages_are_resent_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    with(&mut store, |tx| {
        tx.put_session(&session(1, 1))?;
        for (seq, body) in (1..).zip(["a", "b", "c"]) {
            seal(tx, seq, &[body])?;
        }
        tx.acked(peer(1), 1)
    });
    drop(store);

    let mut store = Store::open(&path).unwrap();
    let (sealed, first, sent) = with(&mut store, |tx| {
        let sent = tx.session(peer(1))?.map(|s| s.sent);
        Ok((tx.sealed_after(peer(1), 0)?, tx.sealed_after_up_to(peer(1), 0, 1)?, sent))
    });
    assert_eq!(sealed, [(2, b"cipher 2".to_vec()), (3, b"cipher 3".to_vec())]);
    assert_eq!(first, [(2, b"cipher 2".to_vec())]);
    assert_eq!(sent, Some(3));
    assert_eq!(bodies(&mut store), [""; 0]);
}

#[test]
fn a_sequence_number_is_used_once_and_in_order() {
    let mut store = connected();
    with(&mut store, |tx| seal(tx, 1, &["a"]).map(drop));
    with(&mut store, |tx| tx.acked(peer(1), 1));
    for seq in [0, 1, 3, u64::MAX] {
        let error = store.write(|tx| tx.seal(peer(1), seq, &[], b"")).unwrap_err();
        assert!(matches!(error, StoreError::OutOfStep { .. }), "{seq}: {error:?}");
    }
    let error = store.write(|tx| tx.seal(peer(2), 1, &[], b"")).unwrap_err();
    assert!(matches!(error, StoreError::OutOfStep { .. }), "no session: {error:?}");
}

#[test]
fn a_message_is_sealed_once_and_for_its_peer() {
    let mut store = connected();
    let ids = with(&mut store, |tx| seal(tx, 1, &["a"]));
    let foreign = with(&mut store, |tx| tx.enqueue(peer(2), b"x", None, 0));
    for id in [ids[0], foreign, 999] {
        let error = store.write(|tx| tx.seal(peer(1), 2, &[id], b"")).unwrap_err();
        assert!(matches!(error, StoreError::NotWaiting { .. }), "{id}: {error:?}");
    }
    let sent = with(&mut store, |tx| tx.session(peer(1))).unwrap().sent;
    assert_eq!(sent, 1, "a failure changes nothing");
}

#[test]
fn an_acknowledgement_deletes_up_to_its_number() {
    let mut store = connected();
    with(&mut store, |tx| {
        seal(tx, 1, &["a", "b"])?;
        seal(tx, 2, &["c"])?;
        tx.enqueue(peer(1), b"d", None, 0)?;
        tx.acked(peer(1), 1)?;
        assert_eq!(tx.queued(peer(1))?, 2);
        assert_eq!(tx.sealed_after(peer(1), 0)?.len(), 1);
        // A peer chooses this number.
        tx.acked(peer(1), u64::MAX)?;
        assert!(tx.sealed_after(peer(1), u64::MAX)?.is_empty());
        assert_eq!(tx.queued(peer(1))?, 1);
        Ok(())
    });
    assert_eq!(bodies(&mut store), ["d"]);
}

#[test]
fn an_acknowledgement_never_decreases_or_exceeds_the_sent_number() {
    let mut store = connected();
    with(&mut store, |tx| (1..=3).try_for_each(|seq| tx.seal(peer(1), seq, &[], b"")));
    for (seq, noted) in [(2, 2), (1, 2), (u64::MAX, 3)] {
        with(&mut store, |tx| tx.acked(peer(1), seq));
        assert_eq!(with(&mut store, |tx| tx.session(peer(1))).unwrap().acked, noted, "after {seq}");
    }
}

#[test]
fn a_new_session_queues_everything_again_in_order() {
    let mut store = connected();
    with(&mut store, |tx| {
        seal(tx, 1, &["a"])?;
        seal(tx, 2, &["b", "c"])?;
        tx.enqueue(peer(1), b"d", None, 0)?;
        tx.acked(peer(1), 1)?;
        tx.set_received(peer(1), 9)?;
        tx.put_session(&session(1, 2))
    });
    assert_eq!(bodies(&mut store), ["b", "c", "d"]);
    with(&mut store, |tx| {
        assert_eq!(tx.session(peer(1))?, Some(session(1, 2)));
        assert!(tx.sealed_after(peer(1), 0)?.is_empty());
        seal(tx, 1, &["e"]).map(drop)
    });
}

#[test]
fn a_session_never_counts_down() {
    let mut store = connected();
    let row = with(&mut store, |tx| {
        tx.set_received(peer(1), 5)?;
        tx.set_received(peer(1), 3)?;
        tx.session(peer(1))
    });
    assert_eq!(row.unwrap().received, 5);
    assert_eq!(with(&mut store, |tx| tx.session(peer(2))), None);
}

#[test]
fn only_unsealed_messages_are_withdrawn_or_expire() {
    let mut store = connected();
    with(&mut store, |tx| {
        seal(tx, 1, &["sealed"])?;
        tx.enqueue(peer(1), b"old", Some(id("old")), 10)?;
        tx.enqueue(peer(1), b"new", Some(id("new")), 20)?;
        tx.enqueue(peer(1), b"newer", Some(id("newer")), 30)?;
        assert!(!tx.withdraw(peer(1), id("sealed"))?);
        assert!(!tx.withdraw(peer(2), id("new"))?, "another peer's");
        assert!(tx.withdraw(peer(1), id("new"))?);
        assert!(!tx.withdraw(peer(1), id("new"))?);
        assert_eq!(tx.expire_outbox(30)?, 1);
        assert_eq!(tx.sealed_after(peer(1), 0)?.len(), 1);
        Ok(())
    });
    assert_eq!(bodies(&mut store), ["newer"]);
}

#[test]
fn peers_with_mail_have_unacknowledged_messages() {
    let mut store = connected();
    let mail = |store: &mut Store| store.begin().unwrap().peers_with_mail().unwrap();
    assert_eq!(mail(&mut store), []);
    with(&mut store, |tx| seal(tx, 1, &["a"]).map(drop));
    with(&mut store, |tx| tx.seal(peer(1), 2, &[], b"nothing in it"));
    with(&mut store, |tx| tx.enqueue(peer(2), b"x", None, 0).map(drop));
    let mut both = mail(&mut store);
    both.sort();
    assert_eq!(both, [peer(1), peer(2)]);
    with(&mut store, |tx| tx.acked(peer(1), 1));
    assert_eq!(mail(&mut store).len(), 2, "an empty ciphertext counts as mail");
    assert!(with(&mut store, |tx| tx.has_mail(peer(1))));
    with(&mut store, |tx| tx.acked(peer(1), 2));
    assert_eq!(mail(&mut store), [peer(2)]);
    assert!(!with(&mut store, |tx| tx.has_mail(peer(1))));
    assert!(with(&mut store, |tx| tx.has_mail(peer(2))), "never sealed");
}

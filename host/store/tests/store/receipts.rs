use coworker_store::{ReceiptFilter, ReceiptRole, ReceiptRow, ReceiptState, Store, StoreError};

use crate::{id, peer, with};

fn receipt(n: u8, name: &str, role: ReceiptRole, state: ReceiptState) -> ReceiptRow {
    ReceiptRow {
        peer: peer(n),
        id: id(name),
        role,
        state,
        envelope: format!("{name} of {n}").into_bytes(),
        at_ms: i64::from(n),
    }
}

#[test]
fn a_call_has_one_receipt_in_each_role() {
    let mut store = Store::in_memory().unwrap();
    let draft = receipt(1, "a", ReceiptRole::Provider, ReceiptState::Draft);
    with(&mut store, |tx| {
        assert!(tx.add_receipt(&draft)?);
        assert!(!tx.add_receipt(&ReceiptRow { envelope: b"other".to_vec(), ..draft.clone() })?);
        assert_eq!(tx.receipt(peer(1), id("a"), ReceiptRole::Provider)?.as_ref(), Some(&draft));
        assert_eq!(tx.receipt(peer(1), id("a"), ReceiptRole::Caller)?, None);
        let ours = receipt(1, "a", ReceiptRole::Caller, ReceiptState::Complete);
        assert!(tx.add_receipt(&ours)?, "an agent that calls itself has both roles");
        assert!(tx.complete_receipt(peer(1), id("a"), b"both")?);
        assert!(!tx.complete_receipt(peer(1), id("a"), b"another")?, "a complete receipt is not replaced");
        assert!(!tx.complete_receipt(peer(2), id("a"), b"both")?, "another peer's");
        let complete = tx.receipt(peer(1), id("a"), ReceiptRole::Provider)?.unwrap();
        assert_eq!(
            (complete.state, complete.envelope.as_slice()),
            (ReceiptState::Complete, b"both".as_slice())
        );
        Ok(())
    });
}

#[test]
fn receipts_are_found_by_peer_state_and_id_prefix() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_receipt(&receipt(1, "abc", ReceiptRole::Provider, ReceiptState::Draft))?;
        tx.add_receipt(&receipt(2, "abd", ReceiptRole::Caller, ReceiptState::Complete))?;
        tx.add_receipt(&receipt(3, "other", ReceiptRole::Caller, ReceiptState::Disputed))?;
        let read = |filter: ReceiptFilter| {
            Ok::<_, StoreError>(tx.receipts(&filter)?.into_iter().map(|row| row.id).collect::<Vec<_>>())
        };
        let all = || ReceiptFilter { limit: 9, ..ReceiptFilter::default() };
        assert_eq!(read(all())?, ["other", "abd", "abc"].map(id));
        assert_eq!(read(ReceiptFilter { limit: 1, ..all() })?, ["other"].map(id));
        assert_eq!(read(ReceiptFilter { before_ms: Some(3), ..all() })?, ["abd", "abc"].map(id));
        assert_eq!(read(ReceiptFilter { peer: Some(peer(1)), ..all() })?, ["abc"].map(id));
        assert_eq!(read(ReceiptFilter { state: Some(ReceiptState::Disputed), ..all() })?, ["other"].map(id));
        for (prefix, found) in [
            ("6162", vec![id("abd"), id("abc")]),
            ("616263", vec![id("abc")]),
            ("%", vec![]),
            ("616265", vec![]),
        ] {
            assert_eq!(read(ReceiptFilter { id: Some(prefix.to_owned()), ..all() })?, found, "{prefix}");
        }
        assert_eq!(tx.prune_receipts(3)?, 2);
        assert_eq!(read(all())?, ["other"].map(id));
        Ok(())
    });
}

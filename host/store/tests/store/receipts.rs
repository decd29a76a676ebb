use coworker_store::{ReceiptFilter, ReceiptRole, ReceiptRow, ReceiptState, Store, StoreError};

use crate::{peer, with};

fn receipt(n: u8, id: &str, role: ReceiptRole, state: ReceiptState) -> ReceiptRow {
    ReceiptRow {
        peer: peer(n),
        id: id.to_owned(),
        role,
        state,
        envelope: format!("{id} of {n}").into_bytes(),
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
        assert_eq!(tx.receipt(peer(1), "a", ReceiptRole::Provider)?.as_ref(), Some(&draft));
        assert_eq!(tx.receipt(peer(1), "a", ReceiptRole::Caller)?, None);
        let ours = receipt(1, "a", ReceiptRole::Caller, ReceiptState::Complete);
        assert!(tx.add_receipt(&ours)?, "who calls itself has both");
        assert!(tx.complete_receipt(peer(1), "a", b"both")?);
        assert!(!tx.complete_receipt(peer(1), "a", b"another")?, "the first one stays");
        assert!(!tx.complete_receipt(peer(2), "a", b"both")?, "another peer's");
        let complete = tx.receipt(peer(1), "a", ReceiptRole::Provider)?.unwrap();
        assert_eq!(
            (complete.state, complete.envelope.as_slice()),
            (ReceiptState::Complete, b"both".as_slice())
        );
        Ok(())
    });
}

#[test]
fn receipts_are_found_by_peer_state_and_the_start_of_an_id() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_receipt(&receipt(1, "abc", ReceiptRole::Provider, ReceiptState::Draft))?;
        tx.add_receipt(&receipt(2, "abd", ReceiptRole::Caller, ReceiptState::Complete))?;
        tx.add_receipt(&receipt(3, "b%", ReceiptRole::Caller, ReceiptState::Disputed))?;
        let read = |filter: ReceiptFilter| {
            Ok::<_, StoreError>(tx.receipts(&filter)?.into_iter().map(|row| row.id).collect::<Vec<_>>())
        };
        let all = || ReceiptFilter { limit: 9, ..ReceiptFilter::default() };
        assert_eq!(read(all())?, ["b%", "abd", "abc"]);
        assert_eq!(read(ReceiptFilter { limit: 1, ..all() })?, ["b%"]);
        assert_eq!(read(ReceiptFilter { before_ms: Some(3), ..all() })?, ["abd", "abc"]);
        assert_eq!(read(ReceiptFilter { peer: Some(peer(1)), ..all() })?, ["abc"]);
        assert_eq!(read(ReceiptFilter { state: Some(ReceiptState::Disputed), ..all() })?, ["b%"]);
        for (prefix, found) in
            [("ab", vec!["abd", "abc"]), ("abc", vec!["abc"]), ("%", vec![]), ("abcd", vec![])]
        {
            assert_eq!(read(ReceiptFilter { id: Some(prefix.to_owned()), ..all() })?, found, "{prefix}");
        }
        assert_eq!(tx.prune_receipts(3)?, 2);
        assert_eq!(read(all())?, ["b%"]);
        Ok(())
    });
}

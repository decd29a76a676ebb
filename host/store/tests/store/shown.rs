use coworker_policy::{Card, PeerId};
use coworker_store::{ShownCards, Store};
use serde_json::json;

use crate::{peer, with};

fn card(name: &str, description: &str) -> Card {
    let card = json!({
        "name": name, "version": "1.0.0", "description": description, "input_schema": true,
        "output_schema": { "type": "object" },
    });
    serde_json::from_value(card).unwrap()
}

fn shown(peer: PeerId, asked_ms: i64, cards: Vec<Card>) -> ShownCards {
    ShownCards { peer, name: "ada".parse().unwrap(), cards, asked_ms }
}

#[test]
fn a_peers_cards_are_stored_until_it_shows_others() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        assert_eq!((tx.shown(peer(1))?, tx.shown_hash(peer(1))?), (None, None));
        let first = shown(peer(1), 5, vec![card("redact", "a"), card("sum", "b")]);
        tx.keep_shown(&first)?;
        assert_eq!(tx.shown(peer(1))?.as_ref(), Some(&first));
        assert_eq!(tx.shown_hash(peer(1))?, Some(first.hash()));
        let less = shown(peer(1), 6, vec![]);
        assert_ne!(less.hash(), first.hash());
        tx.keep_shown(&less)?;
        tx.still_shown(peer(1), &"eve".parse().unwrap(), 9)?;
        let now = tx.shown(peer(1))?.unwrap();
        assert_eq!((now.cards.len(), now.asked_ms, now.name.as_str()), (0, 9, "eve"));
        Ok(())
    });
}

#[test]
fn cards_are_deleted_with_the_peer_and_bounded() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.keep_shown(&shown(peer(1), 1, vec![card("redact", "a")]))?;
        tx.keep_shown(&shown(peer(1), 1, vec![card("redact", &"a".repeat(4000)); 300]))?;
        assert_eq!(tx.shown_hash(peer(1))?, None, "the list is too large, and the stored one is outdated");
        let many = |n: u16| {
            let mut id = [0; 32];
            id[..2].copy_from_slice(&n.to_be_bytes());
            PeerId::from_bytes(id)
        };
        for n in 0..300 {
            tx.keep_shown(&shown(many(n), i64::from(n), vec![]))?;
        }
        assert!(tx.shown_hash(many(43))?.is_none() && tx.shown_hash(many(44))?.is_some());
        tx.forget_peer(many(44))?;
        assert!(tx.shown_hash(many(44))?.is_none());
        Ok(())
    });
}

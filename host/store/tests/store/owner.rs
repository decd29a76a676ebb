use coworker_policy::{Card, Digest, Text, Tier};
use coworker_store::{Component, DirectRow, Installed, Peer, StateChange, Store, StoreError};
use semver::Version;
use serde_json::json;

use crate::{id, peer, session, with};

fn known(n: u8, name: &str) -> Peer {
    Peer {
        id: peer(n),
        name: Some(name.parse().unwrap()),
        relay: Some("https://relay.example".to_owned()),
        addresses: vec!["127.0.0.1:4433".to_owned()],
        chosen: true,
        added_ms: i64::from(n),
        seen_ms: None,
    }
}

fn card(name: &str, description: &str) -> Card {
    Card {
        name: name.parse().unwrap(),
        version: Version::new(1, 2, 3),
        description: Text::new(description).unwrap(),
        when_to_use: Text::default(),
        category: Text::default(),
        input_schema: json!({"type": "object"}),
        output_schema: json!({"type": "string"}),
    }
}

fn component(bytes: &[u8]) -> Component {
    Component {
        digest: Digest::of(bytes),
        origin: "text tools.wasm".to_owned(),
        size: bytes.len() as u64,
        imports: vec!["log".to_owned()],
        added_ms: 7,
    }
}

fn names(store: &mut Store) -> Vec<String> {
    let installed = store.begin().unwrap().installed().unwrap();
    installed.into_iter().map(|skill| skill.card.name.to_string()).collect()
}

#[test]
fn the_seed_is_set_once() {
    let mut store = Store::in_memory().unwrap();
    assert_eq!(store.begin().unwrap().mls_seed().unwrap(), None);
    with(&mut store, |tx| tx.set_mls_seed(&[7; 32]));
    assert!(store.write(|tx| tx.set_mls_seed(&[8; 32])).is_err());
    assert_eq!(store.begin().unwrap().mls_seed().unwrap(), Some([7; 32]));
}

#[test]
fn updating_a_peer_keeps_the_known_fields() {
    let mut store = Store::in_memory().unwrap();
    let stranger =
        Peer { name: None, relay: None, addresses: vec![], added_ms: 99, seen_ms: Some(5), ..known(1, "x") };
    let read = with(&mut store, |tx| {
        tx.add_peer(&known(1, "Ada"))?;
        tx.add_peer(&stranger)?;
        tx.peer(peer(1))
    });
    assert_eq!(read, Some(Peer { seen_ms: Some(5), ..known(1, "Ada") }));

    let read = with(&mut store, |tx| {
        tx.name_peer(peer(1), &"Grace".parse().unwrap())?;
        tx.set_peer_addresses(peer(1), &[])?;
        tx.peer_seen(peer(1), 8)?;
        tx.peers()
    });
    assert_eq!(read, [Peer { addresses: vec![], seen_ms: Some(8), ..known(1, "Grace") }]);
    assert_eq!(with(&mut store, |tx| tx.peer(peer(2))), None);
}

/// Queued rows refer to sealed rows, and those to the session, so the order of the deletions matters.
#[test]
fn forgetting_a_peer_deletes_all_its_rows() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        for n in [1, 2] {
            tx.add_peer(&known(n, "x"))?;
            tx.put_session(&session(n, 1))?;
            let message = tx.enqueue(peer(n), b"sealed", None, 0)?;
            tx.seal(peer(n), 1, &[message], b"")?;
            tx.enqueue(peer(n), b"waits", None, 0)?;
            tx.ask_trust(peer(n), id("r"), Tier::Known, "", 0)?;
        }
        tx.forget_peer(peer(1))?;
        assert_eq!((tx.peer(peer(1))?, tx.session(peer(1))?), (None, None));
        assert!(!tx.has_mail(peer(1))?);
        assert_eq!(tx.take_trust_request(peer(1))?, None);
        assert_eq!((tx.queued(peer(2))?, tx.peers()?.len()), (2, 1), "the other peer is unchanged");
        Ok(())
    });
}

#[test]
fn only_strangers_are_evicted() {
    let mut store = Store::in_memory().unwrap();
    let stranger = |n| Peer { chosen: false, seen_ms: Some(i64::from(n)), ..known(n, "x") };
    let (beyond, left) = with(&mut store, |tx| {
        (1..=4).try_for_each(|n| tx.add_peer(&stranger(n)))?;
        tx.add_peer(&known(5, "chosen"))?;
        tx.set_tier(peer(1), Tier::Known, "friend", 1)?;
        let beyond = tx.strangers_beyond(1)?;
        beyond.iter().try_for_each(|peer| tx.forget_peer(*peer))?;
        Ok((beyond, tx.peers()?))
    });
    assert_eq!(beyond, [peer(3), peer(2)]);
    assert_eq!(left.iter().map(|peer| peer.id).collect::<Vec<_>>(), [peer(1), peer(4), peer(5)]);
}

#[test]
fn peers_are_found_by_name_or_id_prefix() {
    let mut store = Store::in_memory().unwrap();
    let names = ["Ada", "ada", "100%_sure", "100 is sure", r"back\slash"];
    with(&mut store, |tx| (1..).zip(names).try_for_each(|(n, name)| tx.add_peer(&known(n, name))));
    let mut find = |text: &str| -> Vec<u8> {
        with(&mut store, |tx| tx.peers_like(text)).iter().map(|found| found.id.as_bytes()[0]).collect()
    };
    let id = peer(3).to_string();
    assert_eq!(find("ADA"), [1, 2]);
    assert_eq!(find("Ad"), [0; 0], "a part of a name does not match");
    assert_eq!(find("100%_sure"), [3], "wildcards are taken literally");
    assert_eq!(find(r"back\slash"), [5]);
    assert_eq!(find(&id), [3]);
    assert_eq!(find(&id[..4]), [3]);
    assert_eq!(find(&id[..6].to_uppercase()), [3]);
    assert_eq!(find(&id[..3]), [0; 0], "too short");
    for text in ["", "%", "____", "%%%%", r"\\\\", "a%%%", &format!("{}%", &id[..5]), "'; DROP"] {
        assert_eq!(find(text), [0; 0], "{text}");
    }
}

#[test]
fn the_owners_latest_decision_counts() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        assert_eq!(tx.tier(peer(1))?, Tier::Untrusted);
        tx.set_tier(peer(1), Tier::Known, "met her", 1)?;
        tx.set_tier(peer(1), Tier::Internal, "works here", 2)?;
        tx.set_tier(peer(2), Tier::Untrusted, "no", 3)?;
        assert_eq!(tx.tier(peer(1))?, Tier::Internal);
        let all: Vec<_> = tx.tiers()?.into_iter().map(|t| (t.peer, t.tier, t.reason, t.at_ms)).collect();
        assert_eq!(
            all,
            [
                (peer(1), Tier::Internal, "works here".to_owned(), 2),
                (peer(2), Tier::Untrusted, "no".to_owned(), 3)
            ]
        );
        assert!(tx.remove_tier(peer(1))?);
        assert!(!tx.remove_tier(peer(1))?);
        assert_eq!(tx.tier(peer(1))?, Tier::Untrusted);
        Ok(())
    });
}

#[test]
fn a_peer_has_one_wish_and_asking_grants_nothing() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        assert!(tx.ask_trust(peer(1), id("r1"), Tier::Known, "please", 1)?);
        assert!(tx.ask_trust(peer(1), id("r2"), Tier::Privileged, "all of it", 2)?);
        assert_eq!(tx.tier(peer(1))?, Tier::Untrusted);
        assert_eq!(tx.trust_requests()?.len(), 1);
        let wish = tx.take_trust_request(peer(1))?.unwrap();
        assert_eq!((wish.id, wish.tier, wish.at_ms), (id("r2"), Tier::Privileged, 2));
        assert_eq!(tx.take_trust_request(peer(1))?, None);
        Ok(())
    });
}

#[test]
fn strangers_cannot_fill_the_disk_with_wishes() {
    let mut store = Store::in_memory().unwrap();
    let stranger = |n: u16| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        coworker_policy::PeerId::from_bytes(bytes)
    };
    with(&mut store, |tx| {
        for n in 0..1_000 {
            assert!(tx.ask_trust(stranger(n), id("r"), Tier::Known, "", 0)?);
        }
        assert!(!tx.ask_trust(stranger(1_000), id("r"), Tier::Known, "", 0)?);
        assert!(
            tx.ask_trust(stranger(5), id("again"), Tier::Known, "", 0)?,
            "a peer with a stored request may change it"
        );
        tx.take_trust_request(stranger(0))?;
        assert!(tx.ask_trust(stranger(1_000), id("r"), Tier::Known, "", 0)?);
        Ok(())
    });
}

#[test]
fn skills_are_listed_by_name() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| tx.add_component(&component(b"one"), &[card("b", ""), card("a", "")]));
    let expected = |name| Installed { card: card(name, ""), component: Digest::of(b"one") };
    assert_eq!(store.begin().unwrap().installed().unwrap(), [expected("a"), expected("b")]);
    assert_eq!(store.begin().unwrap().components().unwrap(), [component(b"one")]);
}

#[test]
fn a_replacement_keeps_the_state_and_secrets() {
    let (old, new) = (Digest::of(b"one"), Digest::of(b"two"));
    let mut store = Store::in_memory().unwrap();
    let read = with(&mut store, |tx| {
        tx.add_component(&component(b"one"), &[card("a", ""), card("goes", "")])?;
        tx.apply_state(old, &[StateChange { bucket: "skill", key: "k", value: Some(b"v") }])?;
        tx.set_skill_secret(old, "KEY", Some("s3cret"))?;
        tx.replace_component(old, &component(b"two"), &[card("a", "new"), card("comes", "")])?;
        Ok((tx.state_get(new, "skill", "k")?, tx.skill_secret(new, "KEY")?, tx.skill_secret(old, "KEY")?))
    });
    assert_eq!(read, (Some(b"v".to_vec()), Some("s3cret".to_owned()), None));
    assert_eq!(names(&mut store), ["a", "comes"]);
    assert_eq!(store.begin().unwrap().components().unwrap(), [component(b"two")]);
    let left = with(&mut store, |tx| {
        tx.drop_skill_secrets(new)?;
        tx.skill_secret(new, "KEY")
    });
    assert_eq!(left, None);
}

#[test]
fn a_skill_name_belongs_to_one_component_and_a_conflict_stores_nothing() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| tx.add_component(&component(b"one"), &[card("a", "")]));
    let cards = [card("b", ""), card("a", "")];
    let error = store.write(|tx| tx.add_component(&component(b"two"), &cards)).unwrap_err();
    let one = Digest::of(b"one");
    assert!(
        matches!(&error, StoreError::SkillTaken { skill, digest } if skill.as_str() == "a" && *digest == one),
        "{error:?}"
    );
    assert_eq!(store.begin().unwrap().components().unwrap().len(), 1);
    assert_eq!(names(&mut store), ["a"]);

    assert!(with(&mut store, |tx| tx.remove_component(one)));
    assert!(!with(&mut store, |tx| tx.remove_component(one)));
    assert_eq!(store.begin().unwrap().installed().unwrap(), []);
    with(&mut store, |tx| tx.add_component(&component(b"two"), &cards));
}

#[test]
fn adding_a_component_again_updates_it() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| tx.add_component(&component(b"one"), &[card("same", ""), card("goes", "")]));
    with(&mut store, |tx| tx.add_component(&component(b"one"), &[card("same", ""), card("comes", "")]));
    assert_eq!(names(&mut store), ["comes", "same"]);
}

#[test]
fn a_direct_card_is_stored_until_it_is_deleted() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_peer(&known(1, "ada"))?;
        tx.add_peer(&Peer { chosen: false, ..known(2, "bob") })?;
        tx.keep_direct(peer(1), Some("{}"))?;
        // Nothing is stored for an unknown peer.
        tx.keep_direct(peer(3), Some("{}"))
    });
    let tx = store.begin().unwrap();
    let row = DirectRow { peer: peer(1), unjudged_choice: true, direct: Some("{}".into()) };
    assert_eq!(tx.all_direct().unwrap(), *std::slice::from_ref(&row));
    assert_eq!(tx.direct(peer(1)).unwrap(), Some(row));
    assert!(!tx.direct(peer(2)).unwrap().unwrap().unjudged_choice);
    assert_eq!(tx.direct(peer(3)).unwrap(), None);
    tx.keep_direct(peer(1), None).unwrap();
    assert_eq!(tx.all_direct().unwrap(), []);
}

#[test]
fn a_trust_decision_overrides_the_choice_to_connect() {
    let mut store = Store::in_memory().unwrap();
    let choice = |store: &mut Store| store.begin().unwrap().direct(peer(1)).unwrap().unwrap().unjudged_choice;
    with(&mut store, |tx| tx.add_peer(&known(1, "ada")));
    assert!(choice(&mut store));
    with(&mut store, |tx| tx.set_tier(peer(1), Tier::Untrusted, "", 1));
    assert!(!choice(&mut store));
    // A peer whose tier was removed is a stranger until the owner connects again.
    with(&mut store, |tx| tx.remove_tier(peer(1)));
    assert!(!choice(&mut store));
    with(&mut store, |tx| tx.add_peer(&known(1, "ada")));
    assert!(choice(&mut store));
}

//! A descriptor becomes a card, or an error that names its invalid field.

use std::collections::HashSet;
use std::error::Error;

use coworker_policy::{Card, CardError, Descriptor, Digest, VersionPin, list_hash};
use coworker_schema::Schema;
use serde_json::json;

use crate::fixture::descriptor;

fn card(change: impl FnOnce(&mut Descriptor)) -> Result<Card, CardError> {
    let mut descriptor = descriptor("words");
    change(&mut descriptor);
    Card::try_from(descriptor)
}

fn hash(change: impl FnOnce(&mut Descriptor)) -> String {
    card(change).unwrap().hash().to_string()
}

#[test]
fn a_descriptor_becomes_a_card() {
    let card = card(|_| {}).unwrap();
    assert_eq!(card.to_string(), "words 1.2.3");
    assert_eq!(card.description.as_str(), "Counts words");
    assert_eq!(card.output_schema["required"], json!(["words"]));
}

#[test]
fn an_invalid_field_is_named() {
    let said = |change: fn(&mut Descriptor)| card(change).unwrap_err().to_string();
    assert_eq!(said(|d| d.name = "No Name".into()), "skill `No Name`: bad name");
    assert_eq!(said(|d| d.version = "1.2".into()), "skill `words`: `1.2` is not a version like 1.2.3");
    assert_eq!(said(|d| d.description = "\u{1b}[2J".into()), "skill `words`: bad description");
    assert_eq!(said(|d| d.when_to_use = "a".repeat(5_000)), "skill `words`: bad when-to-use");
    assert_eq!(said(|d| d.category = "\u{202e}".into()), "skill `words`: bad category");
    assert_eq!(said(|d| d.input_schema = "{".into()), "skill `words`: its input schema is not JSON");
    assert_eq!(said(|d| d.output_schema = "5".into()), "skill `words`: bad output schema");
}

#[test]
fn an_error_never_repeats_its_source() {
    let changes: [fn(&mut Descriptor); 4] = [
        |d| d.name = String::new(),
        |d| d.description = "\u{0}".into(),
        |d| d.input_schema = "{".into(),
        |d| d.output_schema = r#"{"type": "text"}"#.into(),
    ];
    for change in changes {
        let error = card(change).unwrap_err();
        let source = error.source().expect("a cause").to_string();
        assert!(!error.to_string().contains(&source), "{error}: {source}");
    }
}

#[test]
fn an_error_about_a_descriptor_is_short_and_plain() {
    let long = |c: &str| format!("\u{1b}[2J{}", c.repeat(100_000));
    for refused in [card(|d| d.name = long("A")), card(|d| d.version = long("1"))] {
        let said = refused.unwrap_err().to_string();
        assert!(said.len() < 300 && !said.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
fn a_schema_is_measured_before_it_is_parsed() {
    let huge = "[".repeat(Schema::MAX + 1);
    match card(|d| d.input_schema = huge).unwrap_err() {
        CardError::Schema { field, .. } => assert_eq!(field, "input schema"),
        other => panic!("refused as {other:?}"),
    }
}

#[test]
fn the_hash_does_not_depend_on_the_order_of_keys() {
    let one = hash(|d| d.output_schema = r#"{"type": "object", "properties": {"a": {}, "b": true}}"#.into());
    let other = hash(|d| d.output_schema = r#"{"properties":{"b":true,"a":{}},"type":"object"}"#.into());
    assert_eq!(one, other);
}

#[test]
fn the_hash_changes_with_every_part_of_the_contract() {
    let mut hashes = vec![
        hash(|_| {}),
        hash(|d| d.name = "word".into()),
        hash(|d| d.version = "1.2.4".into()),
        hash(|d| d.version = "1.2.3+build".into()),
        hash(|d| d.description = "Counts".into()),
        hash(|d| d.when_to_use = "Now".into()),
        hash(|d| d.category = "words".into()),
        hash(|d| d.input_schema = "true".into()),
        hash(|d| d.output_schema = "true".into()),
    ];
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn a_card_survives_the_wire_and_keeps_its_hash() {
    for change in [(|_| {}) as fn(&mut Descriptor), |d| d.when_to_use = String::new()] {
        let sent = card(change).unwrap();
        let received: Card = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!(received, sent);
        assert_eq!(received.hash(), sent.hash());
    }
}

#[test]
fn a_card_with_more_than_the_contract_is_refused() {
    let mut wire = serde_json::to_value(card(|_| {}).unwrap()).unwrap();
    wire["source"] = json!("…");
    assert!(serde_json::from_value::<Card>(wire).is_err());
}

#[test]
fn the_hash_is_as_agreed() {
    insta::assert_snapshot!(hash(|_| {}));
}

#[test]
fn a_whole_version_means_exactly_itself() {
    let takes =
        |pin: &str, version: &str| pin.parse::<VersionPin>().unwrap().takes(&version.parse().unwrap());
    assert!(takes("1.2.3", "1.2.3") && !takes("1.2.3", "1.2.4") && !takes("1.2.3", "1.3.0"));
    assert!(takes("1.2", "1.9.0") && takes("^1.2.3", "1.2.4") && takes("1.0.0-rc.1", "1.0.0-rc.1"));
    let pin: VersionPin = "1.2.3".parse().unwrap();
    assert_eq!(pin.to_string().parse::<VersionPin>().unwrap(), pin);
    for bad in ["", "one", "1.2.3.4", &">=1,".repeat(40)] {
        assert!(bad.parse::<VersionPin>().is_err(), "{bad}");
    }
}

#[test]
fn the_hash_of_a_list_tells_what_is_on_it_and_in_which_order() {
    let card = |n: u8| Digest::of(&[n]);
    let hashes = [vec![], vec![card(1)], vec![card(1), card(2)], vec![card(2), card(1)]].map(list_hash);
    let different: HashSet<_> = hashes.iter().collect();
    assert_eq!(different.len(), hashes.len());
    assert_eq!(list_hash([card(1), card(2)]), list_hash(vec![card(1), card(2)]));
}

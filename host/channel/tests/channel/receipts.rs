//! Receipts hold only records that both sides signed knowingly.

use coworker_channel::Identity;
use coworker_channel::receipt::{
    BadReceipt, CallRecord, Content, Draft, JsonText, Known, MAX_CLOCK_DIFFERENCE_MS, MAX_RECEIPT, Mismatch,
    Outcome, Receipt, Side, Signature, seal_audit_head, sealed_audit_head,
};
use coworker_policy::{Digest, ErrorCode, PeerId};
use data_encoding::BASE64;
use proptest::prelude::{any, prop, prop_assert, proptest};
use semver::Version;
use serde_json::{Value, json};

use crate::party::id;

const INPUT: &str = r#"{"text": "héllo"}"#;
const OUTPUT: &str = r#"{"summary":"hi"}"#;

fn caller() -> Identity {
    Identity::from_seed([1; 32])
}

fn provider() -> Identity {
    Identity::from_seed([2; 32])
}

fn record(outcome: Outcome) -> CallRecord {
    CallRecord {
        id: id(0xff),
        caller: caller().peer_id(),
        provider: provider().peer_id(),
        skill: "summarize".parse().unwrap(),
        version: Version::new(1, 2, 0),
        card: Digest::of(b"card"),
        input: Content::of(INPUT),
        outcome,
        started_ms: 1_795_000_000_000,
        duration_ms: 12,
        fuel: 34_567,
    }
}

fn done() -> Outcome {
    Outcome::Done(Content::of(OUTPUT))
}

fn draft() -> Draft {
    Draft::sign(record(done()), &provider()).unwrap()
}

fn known<'a>() -> Known<'a> {
    Known {
        id: id(0xff),
        provider: provider().peer_id(),
        skill: "summarize",
        version: None,
        card: None,
        input: Content::of(INPUT),
        outcome: done(),
        asked_ms: 1_795_000_000_000,
        answered_ms: 1_795_000_000_020,
    }
}

fn receipt() -> Receipt {
    draft().countersign(&known(), &caller()).unwrap()
}

/// Changes the payload of an envelope without signing it again, or other members.
fn changed(envelope: &[u8], change: impl FnOnce(&mut Value, &mut Value)) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_slice(envelope).unwrap();
    let payload = BASE64.decode(envelope["payload"].as_str().unwrap().as_bytes()).unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    let before = statement.clone();
    change(&mut envelope, &mut statement);
    if statement != before {
        envelope["payload"] = json!(BASE64.encode(statement.to_string().as_bytes()));
    }
    envelope.to_string().into_bytes()
}

#[test]
fn both_sides_have_the_same_receipt() {
    let sent = draft().envelope();
    let received = Draft::verify(&sent).unwrap();
    let callers = received.countersign(&known(), &caller()).unwrap();
    let providers = draft().complete(callers.caller_signature()).unwrap();
    assert_eq!(callers, providers);
    assert_eq!(callers.envelope(), providers.envelope());
    let verified = Receipt::verify(&callers.envelope()).unwrap();
    assert_eq!(*verified.record(), record(done()));
}

/// Anybody's DSSE and in-toto backend read these: changing them is a decision.
#[test]
fn the_receipt_is_as_agreed() {
    let failed = record(Outcome::Failed(ErrorCode::SkillFailed));
    let failed = Draft::sign(failed, &provider()).unwrap().envelope();
    let shown = [draft().envelope(), receipt().envelope(), failed].map(|bytes| {
        let envelope = String::from_utf8(bytes).unwrap();
        let value: Value = serde_json::from_str(&envelope).unwrap();
        let payload = BASE64.decode(value["payload"].as_str().unwrap().as_bytes()).unwrap();
        format!("{envelope}\n{}", String::from_utf8(payload).unwrap())
    });
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_draft_has_one_signature_and_a_receipt_two() {
    let count = |error: BadReceipt| matches!(error, BadReceipt::Count { .. });
    assert!(count(Receipt::verify(&draft().envelope()).unwrap_err()));
    assert!(count(Draft::verify(&receipt().envelope()).unwrap_err()));
    for signatures in [json!([]), Value::Null] {
        let bytes = changed(&receipt().envelope(), |envelope, _| envelope["signatures"] = signatures);
        assert!(Receipt::verify(&bytes).is_err());
    }
    let thrice = changed(&receipt().envelope(), |envelope, _| {
        let first = envelope["signatures"][0].clone();
        envelope["signatures"].as_array_mut().unwrap().push(first);
    });
    assert!(count(Receipt::verify(&thrice).unwrap_err()));
}

#[test]
fn only_the_two_sides_can_sign() {
    assert_eq!(Draft::sign(record(done()), &caller()), None);
    let with_itself = CallRecord { caller: provider().peer_id(), ..record(done()) };
    assert_eq!(Draft::sign(with_itself, &provider()), None);
    let other = Identity::from_seed([3; 32]);
    assert_eq!(draft().countersign(&known(), &other), Err(Mismatch::Caller));
    let stolen = Draft::sign(record(done()), &provider()).unwrap();
    let error = stolen.complete(Signature::from_bytes([7; 64])).unwrap_err();
    assert!(matches!(error, BadReceipt::Signature(Side::Caller)), "{error:?}");

    let swapped = changed(&receipt().envelope(), |envelope, _| {
        envelope["signatures"].as_array_mut().unwrap().reverse();
    });
    assert!(matches!(Receipt::verify(&swapped), Err(BadReceipt::Key(Side::Provider))));
    let twice = changed(&receipt().envelope(), |envelope, _| {
        envelope["signatures"][1]["sig"] = envelope["signatures"][0]["sig"].clone();
    });
    assert!(matches!(Receipt::verify(&twice), Err(BadReceipt::Signature(Side::Caller))));
}

#[test]
fn a_caller_signs_only_a_record_that_matches_its_own() {
    let later = MAX_CLOCK_DIFFERENCE_MS + 1;
    let base = record(done());
    let cases = [
        (CallRecord { id: id(1), ..base.clone() }, Mismatch::Id),
        (CallRecord { caller: PeerId::from_bytes([9; 32]), ..base.clone() }, Mismatch::Caller),
        (CallRecord { skill: "delete".parse().unwrap(), ..base.clone() }, Mismatch::Skill),
        (CallRecord { version: Version::new(1, 3, 0), ..base.clone() }, Mismatch::Version),
        (CallRecord { card: Digest::of(b"other"), ..base.clone() }, Mismatch::Card),
        (CallRecord { input: Content::of("{}"), ..base.clone() }, Mismatch::Input),
        (CallRecord { outcome: Outcome::Done(Content::of("2")), ..base.clone() }, Mismatch::Outcome),
        (CallRecord { outcome: Outcome::Failed(ErrorCode::Deadline), ..base.clone() }, Mismatch::Outcome),
        (CallRecord { started_ms: base.started_ms - later, ..base.clone() }, Mismatch::Time),
        (CallRecord { started_ms: base.started_ms + later + 20, ..base.clone() }, Mismatch::Time),
        (CallRecord { duration_ms: later + 20, ..base.clone() }, Mismatch::Time),
    ];
    let version = Version::new(1, 2, 0);
    for (record, mismatch) in cases {
        let known = Known { version: Some(&version), card: Some(Digest::of(b"card")), ..known() };
        let draft = Draft::sign(record, &provider()).unwrap();
        assert_eq!(draft.countersign(&known, &caller()).unwrap_err(), mismatch);
    }
    let other = Known { provider: PeerId::from_bytes([9; 32]), ..known() };
    assert_eq!(draft().countersign(&other, &caller()).unwrap_err(), Mismatch::Provider);
}

#[test]
fn every_altered_field_is_detected() {
    let fields = [
        ("/predicate/outcome", json!("SKILL_FAILED")),
        ("/predicate/id", json!(id(1))),
        ("/predicate/caller", json!(PeerId::from_bytes([9; 32]))),
        ("/predicate/provider", json!(PeerId::from_bytes([9; 32]))),
        ("/predicate/skill/name", json!("other")),
        ("/predicate/skill/version", json!("1.2.1")),
        ("/predicate/skill/card/sha256", json!("00".repeat(32))),
        ("/predicate/fuel", json!(1)),
        ("/predicate/duration_ms", json!(1)),
        ("/predicate/started_ms", json!(1)),
        ("/predicate/input_bytes", json!(1)),
        ("/predicate/output_bytes", json!(1)),
        ("/predicateType", json!("coworker:call-receipt/v2")),
        ("/_type", json!("https://in-toto.io/Statement/v0.1")),
        ("/subject/0/digest/sha256", json!("00".repeat(32))),
        ("/subject/1/digest/sha256", json!("00".repeat(32))),
        ("/subject/0/name", json!("output")),
    ];
    for (pointer, value) in fields {
        let bytes = changed(&receipt().envelope(), |_, statement| {
            *statement.pointer_mut(pointer).unwrap() = value;
        });
        assert!(Receipt::verify(&bytes).is_err(), "{pointer}");
    }
    let bytes = changed(&receipt().envelope(), |envelope, statement| {
        envelope["payload"] = json!(BASE64.encode(format!("{statement} ").as_bytes()));
    });
    let error = Receipt::verify(&bytes).unwrap_err();
    assert!(
        matches!(error, BadReceipt::Signature(Side::Provider)),
        "the same statement with one more space: {error:?}"
    );
}

/// The payload is not signed again, so an error other than the signature's proves that its shape was refused.
#[test]
fn a_payload_with_additional_or_missing_members_is_refused() {
    let shapes: [fn(&mut Value); 9] = [
        |s| s["predicate"]["price"] = json!(100),
        |s| s["annotation"] = json!({}),
        |s| s["subject"][0]["uri"] = json!("x"),
        |s| drop(s["predicate"].as_object_mut().unwrap().remove("fuel")),
        |s| drop(s["predicate"].as_object_mut().unwrap().remove("output_bytes")),
        |s| drop(s["subject"].as_array_mut().unwrap().pop()),
        |s| s["predicate"]["outcome"] = json!("NO_SUCH_CODE"),
        |s| s["predicate"]["fuel"] = json!((1_u64 << 53)),
        |s| s["predicate"]["skill"]["version"] = json!(format!("1.0.0-{}", "a".repeat(80))),
    ];
    for (index, shape) in shapes.into_iter().enumerate() {
        let bytes = changed(&draft().envelope(), |_, statement| shape(statement));
        let error = Draft::verify(&bytes).unwrap_err();
        assert!(matches!(error, BadReceipt::Json { .. } | BadReceipt::Field(_)), "{index}: {error:?}");
    }
}

#[test]
fn malformed_envelopes_are_refused() {
    let huge = vec![b' '; MAX_RECEIPT + 1];
    assert!(matches!(Receipt::verify(&huge), Err(BadReceipt::TooLarge { size }) if size == MAX_RECEIPT + 1));
    for text in ["", "{}", "[]", "null", r#"["", "application/vnd.in-toto+json", []]"#] {
        assert!(Receipt::verify(text.as_bytes()).is_err(), "{text}");
    }
    let edits: [fn(&mut Value); 5] = [
        |e| e["payloadType"] = json!("application/json"),
        |e| e["payload"] = json!("!"),
        |e| e["extra"] = json!(1),
        |e| e["signatures"][0]["keyid"] = json!(""),
        |e| e["signatures"][0]["sig"] = json!("AA=="),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let bytes = changed(&receipt().envelope(), |envelope, _| edit(envelope));
        assert!(Receipt::verify(&bytes).is_err(), "{index}");
    }
}

/// Under lenient verification the neutral element verifies any signature.
#[test]
fn a_small_order_key_cannot_sign_a_receipt() {
    let mut point = [0; 32];
    point[0] = 1;
    let record = CallRecord { caller: PeerId::from_bytes(point), ..record(done()) };
    let draft = Draft::sign(record, &provider()).unwrap();
    let signature: [u8; 64] = [point, [0; 32]].concat().try_into().unwrap();
    assert!(draft.complete(Signature::from_bytes(signature)).is_err());
}

#[test]
fn json_text_is_hashed_as_it_was_written() {
    assert_eq!(JsonText::from_typed(" {\"a\": 1e2} \n").as_str(), "{\"a\": 1e2}");
    assert_eq!(JsonText::from_typed("not json").as_str(), "\"not json\"");
    assert_eq!(JsonText::from_typed("1").content(), Content::of("1"));
    assert_ne!(JsonText::from_typed("1.0").content(), JsonText::from_typed("1").content());
    assert_eq!(JsonText::from(&json!({"a": 1})).as_str(), "{\"a\":1}");
}

#[test]
fn an_audit_head_signature_is_valid_only_for_its_agent_head_and_purpose() {
    let (alice, bob) = (caller(), provider());
    let seal = seal_audit_head(&alice, &[7; 40]);
    assert!(sealed_audit_head(alice.peer_id(), &[7; 40], &seal));
    assert!(!sealed_audit_head(bob.peer_id(), &[7; 40], &seal));
    assert!(!sealed_audit_head(alice.peer_id(), &[8; 40], &seal));
    assert!(draft().complete(Signature::from_bytes(seal)).is_err());
}

proptest! {
    #[test]
    fn altered_bytes_never_panic_or_verify(bytes: Vec<u8>, at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        drop(Receipt::verify(&bytes));
        let mut envelope = receipt().envelope();
        let at = at.index(envelope.len());
        envelope[at] ^= flip;
        if let Ok(verified) = Receipt::verify(&envelope) {
            prop_assert!(verified == receipt(), "byte {at}");
        }
    }
}

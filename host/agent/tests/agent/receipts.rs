//! Receipts that both sides of a call sign, and receipts that nobody can make them keep.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{Receipts, SkillRun};
use coworker_channel::Message;
use coworker_channel::receipt::{CallRecord, Content, Draft, JsonText, Known, Outcome, Receipt, Signature};
use coworker_policy::{Digest, ErrorCode, PeerId, RequestId, Tier};
use coworker_store::{ReceiptFilter, ReceiptRow, ReceiptState};
use serde_json::json;

use crate::guest::{plain, spins, traps, wrong};
use crate::harness::{Town, call, connect, identity, set_tier, until};
use crate::stranger::{Stranger, request};

fn kept(town: &Town, name: &str) -> Vec<ReceiptRow> {
    let all = ReceiptFilter { limit: 1000, ..ReceiptFilter::default() };
    town.in_transaction(name, |tx| tx.receipts(&all))
}

fn now_ms() -> u64 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

async fn pair(guest: &[u8]) -> (Town, Agent, Agent) {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, guest, Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    (town, ada, bob)
}

/// An agent with an echo for strangers, and a connected stranger.
async fn stranger() -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    (town, ada, eve)
}

/// The one receipt of each, once the provider's has both signatures.
async fn both(town: &Town) -> (ReceiptRow, ReceiptRow) {
    let complete = async || kept(town, "ada").iter().any(|row| row.state == ReceiptState::Complete);
    until("the provider has the caller's signature", complete).await;
    let (mut ada, mut bob) = (kept(town, "ada"), kept(town, "bob"));
    assert_eq!((ada.len(), bob.len()), (1, 1));
    (ada.remove(0), bob.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_call_keep_one_receipt_and_it_is_the_same() {
    let (town, ada, bob) = pair(&plain()).await;
    let called = call(&bob, ada.peer_id(), "plain", r#"  {"b": 1.50, "a": "ü"} "#).await.unwrap();
    let (of_ada, of_bob) = both(&town).await;
    assert_eq!(of_ada.envelope, of_bob.envelope);
    assert_eq!((of_ada.peer, of_bob.peer), (bob.peer_id(), ada.peer_id()));
    assert_eq!((of_ada.role.name(), of_bob.role.name()), ("provider", "caller"));

    let receipt = Receipt::verify(&of_ada.envelope).unwrap();
    let record = receipt.record();
    assert_eq!((record.caller, record.provider), (bob.peer_id(), ada.peer_id()));
    assert_eq!((record.id, record.skill.as_str()), (called.id, "plain"));
    assert_eq!(record.input, Content::of(r#"{"b": 1.50, "a": "ü"}"#), "as it was written");
    assert!(matches!(record.outcome, Outcome::Done(output) if output.bytes() > 0));
    assert!(record.fuel > 0);
    let listed = Receipts { limit: 5, peer: Some("bob".into()), skill: Some("plain".into()) };
    let listed = listed.run(&ada).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].receipt.as_ref().unwrap().card, record.card);
    let other = Receipts { limit: 5, peer: None, skill: Some("other".into()) };
    assert_eq!(other.run(&ada).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_failed_has_a_receipt_of_its_failure() {
    for (guest, skill, code) in
        [(traps(), "traps", ErrorCode::SkillFailed), (wrong(), "wrong", ErrorCode::InvalidOutput)]
    {
        let (town, ada, bob) = pair(&guest).await;
        let failed = call(&bob, ada.peer_id(), skill, "1").await.unwrap_err();
        assert_eq!(failed.code, code);
        let (of_ada, of_bob) = both(&town).await;
        assert_eq!(of_ada.envelope, of_bob.envelope);
        assert_eq!(Receipt::verify(&of_ada.envelope).unwrap().record().outcome, Outcome::Failed(code));
    }
}

/// A receipt would tell which of the answers that must not differ this one is.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_or_revoked_or_run_at_home_leaves_no_receipt() {
    let (town, ada, mut eve) = stranger().await;
    town.install(&ada, &spins(), Some(Tier::Known)).await;
    for skill in ["spins", "nothing"] {
        eve.call(skill, "1").await;
    }
    set_tier(&ada, eve.id, Tier::Known).await;
    let id = RequestId::random();
    eve.send(&request(id, "spins", "null"));
    until("the call runs", async || town.count("ada", "call_permitted", &id.to_string()) == 1).await;
    set_tier(&ada, eve.id, Tier::Untrusted).await;
    assert!(matches!(eve.read().await, Message::TaskError { code: ErrorCode::UnknownSkill, .. }));
    SkillRun { name: "plain".into(), input: "1".into(), tier: None }.run(&ada).await.unwrap();
    eve.expect_silence().await;
    assert_eq!((eve.receipts.len(), kept(&town, "ada").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_survives_a_restart_and_goes_out_again_with_its_answer() {
    let (town, ada, mut eve) = stranger().await;
    let id = RequestId::random();
    let before = now_ms();
    let answer = eve.ask(&request(id, "plain", "[1]")).await;
    eve.expect_silence().await;
    let (of, envelope) = eve.receipts.remove(0);
    assert_eq!(of, id);

    let ada = town.restart("ada", ada).await;
    eve.hear_the_end().await;
    eve.resume(ada.peer_id()).await;
    assert_eq!(kept(&town, "ada")[0].state, ReceiptState::Draft);
    assert_eq!(eve.ask(&request(id, "plain", "[1]")).await, answer);
    eve.expect_silence().await;
    assert_eq!(eve.receipts, [(id, envelope.clone())], "the same draft");

    // Nobody else's signature will do.
    eve.send(&Message::TaskCountersigned { id, signature: Signature::from_bytes([7; 64]) });
    eve.send(&Message::TaskCountersigned {
        id: RequestId::random(),
        signature: Signature::from_bytes([7; 64]),
    });
    eve.expect_silence().await;
    assert_eq!(kept(&town, "ada")[0].state, ReceiptState::Draft);

    let known = Known {
        id,
        provider: ada.peer_id(),
        skill: "plain",
        version: None,
        card: None,
        input: Content::of("[1]"),
        outcome: Outcome::Done(Content::of("[1]")),
        asked_ms: before,
        answered_ms: now_ms(),
    };
    let draft = Draft::verify(&envelope).unwrap();
    let receipt = draft.countersign(&known, &identity("eve")).unwrap();
    eve.send(&Message::TaskCountersigned { id, signature: receipt.caller_signature() });
    eve.expect_silence().await;
    let rows = kept(&town, "ada");
    assert_eq!((rows.len(), rows[0].state), (1, ReceiptState::Complete));
    assert_eq!(rows[0].envelope, receipt.envelope());
    // Asked once more, it is still the draft that goes out: a receipt is not the answer to anything.
    eve.receipts.clear();
    eve.ask(&request(id, "plain", "[1]")).await;
    eve.expect_silence().await;
    assert_eq!(eve.receipts, [(id, envelope)]);
}

/// A command that called a skill ends right after, and its signature has not left yet.
#[tokio::test(flavor = "multi_thread")]
async fn the_signature_of_an_agent_that_stops_arrives_first() {
    let (town, ada, bob) = pair(&plain()).await;
    call(&bob, ada.peer_id(), "plain", "1").await.unwrap();
    bob.close().await;
    assert_eq!(kept(&town, "ada")[0].state, ReceiptState::Complete);
}

/// Eve's receipt for the call `id` that ada made of her, in her own name.
fn claim(id: RequestId, caller: PeerId, input: &str, outcome: Outcome) -> CallRecord {
    CallRecord {
        id,
        caller,
        provider: identity("eve").peer_id(),
        skill: "any".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        card: Digest::of(b"card"),
        input: JsonText::from_typed(input).content(),
        outcome,
        started_ms: now_ms(),
        duration_ms: 0,
        fuel: 1,
    }
}

fn receipt(id: RequestId, record: CallRecord, by: &str) -> Message {
    Message::TaskReceipt { id, envelope: Draft::sign(record, &identity(by)).unwrap().envelope() }
}

/// ada asks eve, and eve answers `2`; returns the id of the call.
async fn asked(ada: &Agent, eve: &mut Stranger) -> RequestId {
    let (from, to) = (ada.clone(), eve.id);
    let calling = tokio::spawn(async move { call(&from, to, "any", "1").await });
    let id = eve.read().await.id().unwrap();
    eve.send(&Message::TaskResponse { id, output: json!(2).into() });
    assert_eq!(calling.await.unwrap().unwrap().output, json!(2));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_agree_signs_nothing_and_keeps_the_claim() {
    let (town, ada, mut eve) = stranger().await;
    let id = asked(&ada, &mut eve).await;
    let done = |output| Outcome::Done(Content::of(output));
    eve.send(&receipt(id, claim(id, ada.peer_id(), "1", done("3")), "eve"));
    eve.expect_silence().await;
    // The true receipt comes too late: the first claim stays.
    eve.send(&receipt(id, claim(id, ada.peer_id(), "1", done("2")), "eve"));
    eve.expect_silence().await;
    let rows = kept(&town, "ada");
    assert_eq!((rows.len(), rows[0].state), (1, ReceiptState::Disputed));
    assert_eq!(Draft::verify(&rows[0].envelope).unwrap().record().outcome, done("3"));
    assert_eq!(town.count("ada", "receipt_disputed", &id.to_string()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_true_claim_is_signed_once_and_again_when_it_is_asked_for() {
    let (town, ada, mut eve) = stranger().await;
    let id = asked(&ada, &mut eve).await;
    let draft = receipt(id, claim(id, ada.peer_id(), "1", Outcome::Done(Content::of("2"))), "eve");
    let first = eve.ask(&draft).await;
    let Message::TaskCountersigned { id: of, signature } = &first else { panic!("{first:?}") };
    assert_eq!(*of, id);
    let Message::TaskReceipt { envelope, .. } = &draft else { panic!() };
    Draft::verify(envelope).unwrap().complete(*signature).unwrap();
    assert_eq!(eve.ask(&draft).await, first);
    assert_eq!(kept(&town, "ada").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_nobody_asked_for_are_dropped() {
    let (town, ada, mut eve) = stranger().await;
    let mut gus = Stranger::new(&town.hub, "gus");
    gus.meet(ada.peer_id()).await;
    let of_eve = asked(&ada, &mut eve).await;
    let of_gus = asked(&ada, &mut gus).await;
    let done = Outcome::Done(Content::of("2"));
    let us = ada.peer_id();
    let unknown = RequestId::random();
    let theirs = CallRecord { provider: gus.id, ..claim(of_eve, us, "1", done) };
    for unwanted in [
        receipt(unknown, claim(unknown, us, "1", done), "eve"),
        receipt(of_gus, claim(of_gus, us, "1", done), "eve"),
        // gus's word, out of eve's mouth.
        receipt(of_eve, theirs, "gus"),
        Message::TaskReceipt { id: of_eve, envelope: b"{}".to_vec() },
        Message::TaskReceipt { id: of_eve, envelope: b"null".to_vec() },
        Message::TaskCountersigned { id: of_eve, signature: Signature::from_bytes([0; 64]) },
    ] {
        eve.send(&unwanted);
    }
    eve.expect_silence().await;
    assert_eq!(kept(&town, "ada").len(), 0);
    // Nor of a call that has no answer yet.
    let (from, to) = (ada.clone(), eve.id);
    let calling = tokio::spawn(async move { call(&from, to, "any", "1").await });
    let id = eve.read().await.id().unwrap();
    eve.send(&receipt(id, claim(id, us, "1", done), "eve"));
    eve.expect_silence().await;
    assert_eq!(kept(&town, "ada").len(), 0);
    eve.send(&Message::TaskResponse { id, output: json!(2).into() });
    calling.await.unwrap().unwrap();
}

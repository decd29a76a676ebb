//! Callers that go away, and callers that wait for a limited time.

use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{Call, SkillConfigure};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId, Tier};
use coworker_store::InboundState;
use serde_json::json;

use crate::guest::{plain, roomy, spins};
use crate::harness::{Town, call, connect, set_tier, until};
use crate::stranger::{Stranger, patient, request};

const LONG: Duration = Duration::from_mins(1);

async fn town() -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &spins(), Some(Tier::Untrusted)).await;
    // A fast machine burns a stranger's usual fuel before its patience is over.
    let (name, tier, key) = ("spins".to_owned(), Tier::Untrusted, "fuel".to_owned());
    SkillConfigure::Limit { name, tier, key, value: Some(1_000_000_000_000) }.run(&ada).await.unwrap();
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    (town, ada, eve)
}

async fn counts(town: &Town, what: &str, event: &str, id: RequestId, times: usize) {
    until(what, async || town.count("ada", event, &id.to_string()) == times).await;
}

fn error_code(message: &Message) -> ErrorCode {
    match message {
        Message::TaskError { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_stops_when_its_caller_goes_and_runs_again_when_they_are_back() {
    let (town, ada, mut eve) = town().await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    let id = RequestId::random();
    eve.send(&patient(id, "spins", "null", LONG));
    counts(&town, "it runs", "call_permitted", id, 1).await;
    eve.hang_up();
    counts(&town, "it stops", "call_interrupted", id, 1).await;
    let row = town.in_transaction("ada", |tx| tx.inbound(eve.id, id)).unwrap();
    assert_eq!(row.state, InboundState::Received);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1, "it runs for nobody");

    eve.resume(ada.peer_id()).await;
    counts(&town, "it runs again", "call_permitted", id, 2).await;
    eve.send(&Message::TaskCancel { id });
    assert_eq!(error_code(&eve.read().await), ErrorCode::Cancelled);
    counts(&town, "it has one end", "call_finished", id, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_is_not_back_in_time_finds_the_deadline() {
    let (town, ada, mut eve) = town().await;
    let id = RequestId::random();
    eve.send(&patient(id, "spins", "null", Duration::from_millis(1500)));
    counts(&town, "it runs", "call_permitted", id, 1).await;
    eve.hang_up();
    counts(&town, "it ends", "call_refused", id, 1).await;
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1);
    eve.resume(ada.peer_id()).await;
    assert_eq!(error_code(&eve.read().await), ErrorCode::Deadline);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_whose_caller_did_not_say_that_they_wait_goes_on_without_them() {
    let (town, ada, mut eve) = town().await;
    let id = RequestId::random();
    eve.send(&request(id, "spins", "null"));
    counts(&town, "it runs", "call_permitted", id, 1).await;
    eve.hang_up();
    // Up to the limits of its tier.
    counts(&town, "it ends", "call_finished", id, 1).await;
    assert_eq!(town.count("ada", "call_interrupted", &id.to_string()), 0);
    eve.resume(ada.peer_id()).await;
    let code = error_code(&eve.read().await);
    assert!(matches!(code, ErrorCode::Deadline | ErrorCode::LimitExceeded), "{code}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_a_restart_cut_off_has_an_end_in_the_audit_log_and_waits_for_its_caller() {
    let (town, ada, mut eve) = town().await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    let id = RequestId::random();
    eve.send(&patient(id, "spins", "null", LONG));
    counts(&town, "it runs", "call_permitted", id, 1).await;
    let ada = town.restart("ada", ada).await;
    eve.hear_the_end().await;
    counts(&town, "it was cut off", "call_interrupted", id, 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1, "it runs for nobody");
    eve.resume(ada.peer_id()).await;
    counts(&town, "it runs again", "call_permitted", id, 2).await;
    eve.send(&Message::TaskCancel { id });
    assert_eq!(error_code(&eve.read().await), ErrorCode::Cancelled);
}

/// The guest does not get the time that the call waited for a turn; and a call that waited in vain never ran.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_callers_patience_counts_from_the_arrival() {
    let (town, _ada, mut eve) = town().await;
    let [first, second, third] = [(); 3].map(|()| RequestId::random());
    let ms = Duration::from_millis;
    // UNTRUSTED callers have one turn.
    eve.send(&patient(first, "spins", "null", ms(300)));
    counts(&town, "it runs", "call_permitted", first, 1).await;
    eve.send(&patient(second, "spins", "null", ms(50)));
    eve.send(&patient(third, "spins", "null", ms(700)));
    for expected in [second, first] {
        let answer = eve.read().await;
        assert_eq!((answer.id(), error_code(&answer)), (Some(expected), ErrorCode::Deadline));
    }
    let last = eve.read().await;
    assert_eq!(last.id(), Some(third));
    assert_eq!(town.count("ada", "call_permitted", &second.to_string()), 0);
    let rows = town.audit_rows("ada");
    let permit = |id: RequestId| {
        let of = |row: &&coworker_store::AuditRow| {
            row.event == "call_permitted" && row.task.as_deref() == Some(&id.to_string())
        };
        rows.iter().find(of).unwrap().detail["wall_ms"].as_u64().unwrap()
    };
    assert!(permit(first) <= 300, "{}", permit(first));
    assert!(permit(third) <= 700 - 100, "{} ms though it waited", permit(third));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_again_after_a_restart_has_the_same_answer_and_does_not_run() {
    let (town, ada, mut eve) = town().await;
    let id = RequestId::random();
    let answer = eve.ask(&request(id, "plain", "[1]")).await;
    assert_eq!(answer, Message::TaskResponse { id, output: json!([1]).into() });
    let ada = town.restart("ada", ada).await;
    eve.hear_the_end().await;
    eve.resume(ada.peer_id()).await;
    assert_eq!(eve.ask(&patient(id, "plain", "[2]", LONG)).await, answer);
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_calls_are_in_flight_on_one_session() {
    let (town, ada, mut eve) = town().await;
    set_tier(&ada, eve.id, Tier::Internal).await;
    let slow = RequestId::random();
    eve.send(&patient(slow, "spins", "null", LONG));
    counts(&town, "it runs", "call_permitted", slow, 1).await;
    let ids: Vec<_> = (0..50).map(|_| RequestId::random()).collect();
    for (number, id) in ids.iter().enumerate() {
        eve.send(&patient(*id, "plain", &number.to_string(), LONG));
    }
    let mut answers = Vec::new();
    for _ in &ids {
        match eve.read().await {
            Message::TaskResponse { id, output } => answers.push((output.value(), id)),
            other => panic!("{other:?}"),
        }
    }
    answers.sort_by_key(|(number, _)| number.as_u64());
    let expected: Vec<_> = ids.into_iter().enumerate().map(|(number, id)| (json!(number), id)).collect();
    assert_eq!(answers, expected, "none waits behind the slow one");
    eve.send(&Message::TaskCancel { id: slow });
    assert_eq!(error_code(&eve.read().await), ErrorCode::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_inputs_and_outputs_pass_up_to_the_cap_and_not_beyond() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &roomy(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Internal).await;
    let text = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    let cap = 1024 * 1024;
    let whole = call(&bob, ada.peer_id(), "plain", &text(cap)).await.unwrap();
    assert_eq!(whole.output.as_str().map(str::len), Some(cap - 2));
    let error = call(&bob, ada.peer_id(), "plain", &text(cap + 1)).await.unwrap_err();
    assert_eq!((error.code, error.from_peer), (ErrorCode::LimitExceeded, true));
    assert!(error.message.contains("1048577") && error.message.contains("1048576"), "{error}");
    // An input larger than any owner can allow is not sent.
    let error = call(&bob, ada.peer_id(), "plain", &text(2 * cap + 1)).await.unwrap_err();
    assert_eq!((error.code, error.from_peer), (ErrorCode::LimitExceeded, false));
    assert!(error.message.contains("2097152"), "{error}");
}

/// A caller that waits for an answer restores the connection, though no mail waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_waiting_caller_reconnects_by_itself() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &spins(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Privileged).await;
    let (from, peer) = (bob.clone(), ada.peer_id().to_string());
    let question = Call { peer, skill: "spins".into(), input: "null".into(), version: None, timeout: 6.0 };
    let calling = tokio::spawn(async move { question.run(&from).await });
    let runs = || {
        let rows = town.audit_rows("ada");
        rows.iter().filter(|row| row.event == "call_permitted").count()
    };
    until("it runs", async || runs() == 1).await;
    town.hub.set_reachable(ada.peer_id(), false);
    town.hub.cut(ada.peer_id(), bob.peer_id());
    let cut_off = || town.audit_rows("ada").iter().any(|row| row.event == "call_interrupted");
    until("it stops", async || cut_off()).await;
    town.hub.set_reachable(ada.peer_id(), true);
    until("it runs again", async || runs() == 2).await;
    assert_eq!(calling.await.unwrap().unwrap_err().code, ErrorCode::Deadline);
}

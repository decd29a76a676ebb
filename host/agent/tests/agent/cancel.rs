use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::CallObserver;
use coworker_api::ops::{Call, Cancel, SkillRun};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId, Tier};
use tokio_util::sync::CancellationToken;

use crate::guest::spins;
use crate::harness::{SECONDS, Town, connect, set_tier, taken, until};
use crate::stranger::{Stranger, patient, request};

const LONG: Duration = Duration::from_mins(1);

async fn town() -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &spins(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    (town, ada, eve)
}

async fn expect_cancelled(eve: &mut Stranger, id: RequestId) {
    match eve.read().await {
        Message::TaskError { id: answered, code, .. } => {
            assert_eq!((answered, code), (id, ErrorCode::Cancelled));
        }
        other => panic!("{other:?}"),
    }
}

async fn runs(town: &Town, id: RequestId) {
    until("it runs", async || town.count("ada", "call_permitted", &id.to_string()) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_is_stopped_when_its_caller_takes_it_back_and_nobody_elses() {
    let (town, ada, mut eve) = town().await;
    let mut gus = Stranger::new(&town.hub, "gus");
    gus.meet(ada.peer_id()).await;
    let id = RequestId::random();
    eve.send(&patient(id, "spins", "null", LONG));
    runs(&town, id).await;
    gus.send(&Message::TaskCancel { id });
    gus.send(&Message::TaskCancel { id: RequestId::random() });
    gus.expect_silence().await;
    eve.expect_silence().await;
    eve.send(&Message::TaskCancel { id });
    expect_cancelled(&mut eve, id).await;
    let tag = id.to_string();
    let count = |event| town.count("ada", event, &tag);
    assert_eq!((count("call_cancelled"), count("call_finished")), (1, 1));
    // A finished call stays finished.
    eve.send(&Message::TaskCancel { id });
    eve.expect_silence().await;
    assert_eq!(count("call_cancelled"), 1);
    // The id has its answer for good.
    eve.send(&patient(id, "spins", "null", LONG));
    expect_cancelled(&mut eve, id).await;
    assert_eq!(count("call_permitted"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_taken_back_in_the_same_breath_never_runs() {
    let (town, _ada, mut eve) = town().await;
    for _ in 0..20 {
        let id = RequestId::random();
        let batch = [patient(id, "spins", "null", LONG).encode(), Message::TaskCancel { id }.encode()];
        let frame = eve.seal(&batch);
        eve.say(&frame);
        expect_cancelled(&mut eve, id).await;
        assert_eq!(town.count("ada", "call_cancelled", &id.to_string()), 1);
    }
}

/// Nobody serves it yet: it is on disk, and would run at the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_serves_is_taken_back_for_good() {
    let (town, ada, mut eve) = town().await;
    let id = RequestId::random();
    town.in_transaction("ada", |tx| tx.accept_task(&taken(eve.id, id, "spins", "null")));
    eve.send(&Message::TaskCancel { id });
    expect_cancelled(&mut eve, id).await;
    ada.serve().await.unwrap();
    eve.expect_silence().await;
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 0);
}

async fn pair() -> (Town, Agent, Agent) {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &spins(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Privileged).await;
    (town, ada, bob)
}

fn spinning(to: &Agent, timeout: f64) -> Call {
    Call {
        peer: to.peer_id().to_string(),
        skill: "spins".into(),
        input: "null".into(),
        version: None,
        timeout,
    }
}

/// The one call that bob waits for, once it runs.
async fn running(town: &Town) -> String {
    let waiting = || town.in_transaction("bob", |tx| tx.outbound_like("", 2));
    until("the call is out", async || waiting().len() == 1).await;
    let id = waiting().remove(0).id.to_string();
    until("it runs", async || town.count("ada", "call_permitted", &id) == 1).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_is_cancelled_by_the_start_of_its_id() {
    let (town, ada, bob) = pair().await;
    let (from, question) = (bob.clone(), spinning(&ada, SECONDS));
    let calling = tokio::spawn(async move { question.run(&from).await });
    let id = running(&town).await;
    for wrong in ["", &id[..3], "ffffffff-no", "%"] {
        let error = Cancel { id: wrong.into() }.run(&bob).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Usage, "{wrong}: {error}");
    }
    let cancelled = Cancel { id: id[..8].to_uppercase() }.run(&bob).await.unwrap();
    assert_eq!((cancelled.id.to_string(), cancelled.skill.as_str()), (id.clone(), "spins"));
    assert_eq!(calling.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
    until("ada stops", async || town.count("ada", "call_cancelled", &id) == 1).await;
    assert!(Cancel { id }.run(&bob).await.is_err(), "there is nothing left to cancel");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_caller_can_cancel_its_call() {
    let (town, ada, bob) = pair().await;
    let cancel = CancellationToken::new();
    let (observer, _updates) = CallObserver::new(cancel.clone());
    let question = spinning(&ada, SECONDS);
    let calling = tokio::spawn(async move { question.run_observed(&bob, &observer).await });
    let id = running(&town).await;
    cancel.cancel();
    assert_eq!(calling.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
    until("ada stops", async || town.count("ada", "call_cancelled", &id) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_can_call_off_their_own_run() {
    let (town, ada, _bob) = pair().await;
    let cancel = CancellationToken::new();
    let (observer, _updates) = CallObserver::new(cancel.clone());
    let run = SkillRun { name: "spins".into(), input: "null".into(), tier: None };
    let running = tokio::spawn(async move { run.run_observed(&ada, &observer).await });
    let permitted = || town.audit_rows("ada").iter().any(|row| row.event == "call_permitted");
    until("it runs", async || permitted()).await;
    cancel.cancel();
    assert_eq!(running.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
}

/// Nothing has left yet, so there is nothing to cancel over there.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_left_is_taken_out_of_the_outbox() {
    let (town, ada, bob) = pair().await;
    town.hub.set_reachable(ada.peer_id(), false);
    town.hub.cut(ada.peer_id(), bob.peer_id());
    until("the link is gone", async || town.in_transaction("bob", |tx| tx.queued(ada.peer_id())) == 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = spinning(&ada, 0.3).run(&bob).await.unwrap_err();
    assert!(matches!(error.code, ErrorCode::PeerUnreachable | ErrorCode::Deadline), "{error}");
    assert_eq!(town.in_transaction("bob", |tx| tx.queued(ada.peer_id())), 0);
}

/// The owner of a message in flight is its sender, also for one that asks for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_answered_only_by_its_call() {
    let (_town, _ada, mut eve) = town().await;
    eve.send(&Message::TaskCancel { id: RequestId::random() });
    eve.send_bytes(br#"{"type":"task_cancel","id":"nonsense"}"#.to_vec());
    eve.expect_silence().await;
    let id = RequestId::random();
    eve.send(&request(id, "never", "1"));
    assert!(matches!(eve.read().await, Message::TaskError { code: ErrorCode::UnknownSkill, .. }));
}

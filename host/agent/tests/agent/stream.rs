//! Progress and parts of an output before the answer.

use coworker_agent::Agent;
use coworker_api::ops::{Call, SkillRun};
use coworker_api::{ApiError, CallObserver, Update};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::guest::{flood, tells};
use crate::harness::{BOUND, SECONDS, Town, connect, set_tier, taken, until};
use crate::stranger::{Stranger, request};

/// Runs an operation and collects its updates.
async fn hear<O>(agent: &Agent, operation: O) -> (Result<O::Answer, ApiError>, Vec<Update>)
where
    O: coworker_agent::ops::Run,
{
    let (observer, mut updates) = CallObserver::new(CancellationToken::new());
    let run = async {
        let observer = observer;
        operation.run_observed(agent, &observer).await
    };
    let listen = async {
        let mut heard = Vec::new();
        while let Some(update) = updates.recv().await {
            heard.push(update);
        }
        heard
    };
    tokio::join!(run, listen)
}

fn call(to: PeerId, skill: &str, input: &str) -> Call {
    Call { peer: to.to_string(), skill: skill.into(), input: input.into(), version: None, timeout: SECONDS }
}

/// The parts by their index, and the last report.
fn sorted(heard: &[Update]) -> (Vec<(u64, &str)>, Option<u8>) {
    let (mut parts, mut last) = (Vec::new(), None);
    for update in heard {
        match update {
            Update::Partial { index, part, .. } => parts.push((*index, part.as_str())),
            Update::Progress { percent, .. } => last = Some(*percent),
            Update::Goal(_) | Update::Event(_) => unreachable!("a call sends neither"),
        }
    }
    (parts, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_parts_reach_the_caller_before_the_answer() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &tells(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    for _ in 0..20 {
        let (called, heard) = hear(&bob, call(ada.peer_id(), "tells", "[7]")).await;
        assert_eq!(called.unwrap().output, json!([7]));
        assert_eq!(sorted(&heard), (vec![(0, "[7]"), (1, "[7]")], Some(100)), "{heard:?}");
    }
    // Signatures for receipts come a moment later.
    until("all was taken", async || town.in_transaction("bob", |tx| tx.queued(ada.peer_id())) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_hears_their_own_skill() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &tells(), None).await;
    let (ran, heard) = hear(&ada, SkillRun { name: "tells".into(), input: "1".into(), tier: None }).await;
    assert_eq!(ran.unwrap().output, json!(1));
    assert_eq!(sorted(&heard), (vec![(0, "1"), (1, "1")], Some(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_called_peer_can_send_updates() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let (mut eve, mut gus) = (Stranger::new(&town.hub, "eve"), Stranger::new(&town.hub, "gus"));
    eve.meet(ada.peer_id()).await;
    gus.meet(ada.peer_id()).await;
    let question = call(gus.id, "any", "1");
    let asking = tokio::spawn(async move { hear(&ada, question).await });
    let id = gus.read().await.id().unwrap();
    let part = |index, part: &str| Message::TaskPartial { id, index, part: part.into() };
    eve.send(&part(0, "eve's"));
    eve.send(&Message::TaskProgress { id, percent: 99, note: Text::default() });
    eve.send(&Message::TaskPartial { id: RequestId::random(), index: 0, part: "nobody's".into() });
    eve.expect_silence().await;
    gus.send(&part(0, "gus's"));
    // As large as no answer is: it is not kept.
    (1..3).for_each(|index| gus.send(&part(index, &"x".repeat(4_000_000))));
    gus.send(&Message::TaskResponse { id, output: json!(1).into() });
    let (called, heard) = asking.await.unwrap();
    assert_eq!(called.unwrap().output, json!(1));
    let (parts, last) = sorted(&heard);
    assert_eq!((parts[0], parts.len(), last), ((0, "gus's"), 2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_parts_than_the_output_limit_fail_the_call_and_the_limit_is_told() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &flood(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    let input = format!("\"{}\"", "x".repeat(1000));
    let (called, heard) = hear(&bob, call(ada.peer_id(), "flood", &input)).await;
    let error = called.unwrap_err();
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    assert!(error.message.contains("65536"), "{error}");
    let (parts, _) = sorted(&heard);
    assert!(parts.iter().map(|(index, _)| *index).eq(0..parts.len() as u64), "lost or out of order");
    assert_eq!(parts.len(), 65536 / 1006);
}

/// A peer that takes nothing gets its answer in time, and nothing but that waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_reader_loses_parts_and_never_the_answer() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &flood(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    eve.polite = false;
    let id = RequestId::random();
    eve.send(&request(id, "flood", "\"123456789\""));
    let end = async {
        let (mut next, mut lost) = (0, false);
        loop {
            match eve.read().await {
                Message::TaskPartial { index, .. } => {
                    assert!(index >= next);
                    lost |= index > next;
                    next = index + 1;
                }
                Message::TaskError { code, .. } => return (code, lost),
                other => panic!("{other:?}"),
            }
        }
    };
    let (code, _lost) = timeout(BOUND, end).await.expect("the answer waits for the parts");
    assert_eq!(code, ErrorCode::LimitExceeded);
    assert!(town.in_transaction("ada", |tx| tx.queued(eve.id)) <= 2, "parts are in the outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_for_an_absent_caller_are_dropped() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &tells(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    eve.expect_silence().await;
    until("all is taken", async || town.in_transaction("ada", |tx| tx.queued(eve.id)) == 0).await;
    eve.hang_up();
    let id = RequestId::random();
    ada.close().await;
    drop(ada);
    town.in_transaction("ada", |tx| tx.accept_task(&taken(eve.id, id, "tells", "[1]")));
    let ada = town.open("ada").await;
    ada.serve().await.unwrap();
    until("it ran", async || town.count("ada", "call_finished", &id.to_string()) == 1).await;
    assert_eq!(town.in_transaction("ada", |tx| tx.queued(eve.id)), 2, "the answer and its receipt");
    eve.resume(ada.peer_id()).await;
    assert_eq!(eve.read().await, Message::TaskResponse { id, output: json!([1]).into() });
}

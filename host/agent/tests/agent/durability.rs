use std::collections::HashSet;
use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{Called, Peers};
use coworker_channel::Message;
use coworker_policy::{PeerId, RequestId, Tier};
use coworker_store::{Inbound, InboundState, Store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::guest::plain;
use crate::harness::{Town, call, connect, taken, until};
use crate::stranger::{Stranger, request};

const CALLS: usize = 50;

async fn town() -> (Town, Agent, Agent) {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    (town, ada, bob)
}

/// Starts calls of the echo, each with its own number.
fn calls(from: &Agent, to: PeerId, tier_pending: usize) -> JoinSet<Called> {
    let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(tier_pending));
    let mut running = JoinSet::new();
    for number in 0..CALLS {
        let (from, turns) = (from.clone(), turns.clone());
        running.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let called = call(&from, to, "plain", &number.to_string()).await.unwrap();
            assert_eq!(called.output, json!(number));
            called
        });
    }
    running
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_made_while_the_peer_is_away_is_answered_when_it_comes_back() {
    let (town, ada, bob) = town().await;
    town.hub.set_reachable(ada.peer_id(), false);
    let (from, to) = (bob.clone(), ada.peer_id());
    let calling = tokio::spawn(async move { call(&from, to, "plain", "1").await });
    until("the call waits", async || Peers {}.run(&bob).await.unwrap()[0].waiting == 1).await;
    town.hub.set_reachable(ada.peer_id(), true);
    assert_eq!(calling.await.unwrap().unwrap().output, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_a_connection_that_keeps_breaking_complete_exactly_once() {
    let (town, ada, bob) = town().await;
    let mut running = calls(&bob, ada.peer_id(), 12);
    let (hub, ends) = (town.hub.clone(), (ada.peer_id(), bob.peer_id()));
    let breaker = tokio::spawn(async move {
        let mut state = 0x5eed;
        loop {
            tokio::time::sleep(Duration::from_millis(random(&mut state) % 20)).await;
            hub.cut(ends.0, ends.1);
        }
    });
    let mut ids = HashSet::new();
    for _ in 0..CALLS / 2 {
        ids.insert(running.join_next().await.unwrap().unwrap().id.to_string());
    }
    breaker.abort();
    while let Some(called) = running.join_next().await {
        ids.insert(called.unwrap().id.to_string());
    }
    assert_eq!(ids.len(), CALLS);
    let rows = town.audit_rows("ada");
    let of = |event: &str| -> Vec<_> {
        rows.iter().filter(|row| row.event == event).map(|row| &row.task).collect()
    };
    let finished = of("call_finished");
    assert_eq!(finished.len(), CALLS);
    assert_eq!(finished.into_iter().collect::<HashSet<_>>().len(), CALLS, "one had two ends");
    // A run that a break cut off has an end of its own, and no effect.
    assert_eq!(of("call_permitted").len(), CALLS + of("call_interrupted").len());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_survive_restarts_of_the_agent_that_serves_them() {
    let (town, mut ada, bob) = town().await;
    let session = || town.in_transaction("bob", |tx| tx.session(ada_id())).unwrap().id;
    let before = session();
    let mut running = calls(&bob, ada.peer_id(), 12);
    let mut ids = HashSet::new();
    for _ in 0..3 {
        for _ in 0..CALLS / 5 {
            ids.insert(running.join_next().await.unwrap().unwrap().id.to_string());
        }
        ada = town.restart("ada", ada).await;
    }
    while let Some(called) = running.join_next().await {
        ids.insert(called.unwrap().id.to_string());
    }
    assert_eq!(ids.len(), CALLS);
    assert_eq!(session(), before, "a restart needs no new handshake");
    for id in ids {
        assert_eq!(town.count("ada", "call_finished", &id), 1, "{id}");
    }
    ada.close().await;
}

fn ada_id() -> PeerId {
    crate::harness::identity("ada").peer_id()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_not_acknowledged_is_sent_again_after_a_restart() {
    let (town, ada, _bob) = town().await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    eve.polite = false;
    let id = RequestId::random();
    eve.send(&request(id, "plain", "7"));
    let answer = Message::TaskResponse { id, output: json!(7).into() };
    assert_eq!(eve.read().await, answer);
    let ada = town.restart("ada", ada).await;
    eve.hear_the_end().await;
    // As if it had not arrived; `resume` checks that the session is the same one.
    let heard = std::mem::replace(&mut eve.received, 1);
    assert_eq!(eve.resume(ada.peer_id()).await, 2);
    let Some(coworker_channel::Frame::Sealed { seq, .. }) = eve.hear().await else { panic!("nothing") };
    assert_eq!(seq, 2);
    eve.received = heard;
    eve.polite = true;
    eve.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_were_taken_and_not_answered_are_taken_up_after_a_restart() {
    let (town, ada, _bob) = town().await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    ada.close().await;
    drop(ada);
    let (id, running) = (RequestId::random(), RequestId::random());
    let mut store = Store::open(&town.path("ada").join("agent.db")).unwrap();
    store
        .write(|tx| {
            tx.accept_task(&taken(eve.id, id, "plain", "[1]"))?;
            let cut_off = taken(eve.id, running, "plain", "[2]");
            tx.accept_task(&Inbound { state: InboundState::Running, ..cut_off })
        })
        .unwrap();
    drop(store);

    let ada = town.open("ada").await;
    ada.serve().await.unwrap();
    eve.hear_the_end().await;
    eve.resume(ada.peer_id()).await;
    let mut answers = HashSet::new();
    for _ in 0..2 {
        answers.insert(format!("{:?}", eve.read().await));
    }
    let expected = [(id, json!([1])), (running, json!([2]))]
        .map(|(id, output)| format!("{:?}", Message::TaskResponse { id, output: output.into() }));
    assert_eq!(answers, HashSet::from(expected));
    eve.expect_silence().await;
}

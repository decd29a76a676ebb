use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{SkillAdd, SkillHide, SkillLook, SkillRemove, TrustRemove, TrustSet};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, Limits, RequestId, Tier};
use tokio::time::timeout;

use crate::guest::spins;
use crate::harness::{BOUND, Town, log, set_tier, until};
use crate::stranger::{Stranger, request};

async fn town() -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &spins(), Some(Tier::Internal)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    (town, ada, eve)
}

/// Starts a call that runs until it is stopped.
async fn start(town: &Town, eve: &mut Stranger) -> RequestId {
    let id = RequestId::random();
    eve.send(&request(id, "spins", "null"));
    until("the call runs", async || town.count("ada", "call_permitted", &id.to_string()) == 1).await;
    id
}

async fn expect_unknown_skill(eve: &mut Stranger) {
    match timeout(BOUND, eve.read()).await.expect("the call goes on") {
        Message::TaskError { code, message, .. } => {
            assert_eq!((code, message.as_str()), (ErrorCode::UnknownSkill, "unknown skill"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_runs_is_stopped_when_its_caller_or_its_skill_is_cut_off() {
    let (town, ada, mut eve) = town().await;
    let peer = eve.id.to_string();

    start(&town, &mut eve).await;
    TrustRemove { peer: peer.clone() }.run(&ada).await.unwrap();
    expect_unknown_skill(&mut eve).await;

    TrustSet::standing(peer.clone(), Tier::Privileged).run(&ada).await.unwrap();
    start(&town, &mut eve).await;
    TrustSet::standing(peer.clone(), Tier::Internal).run(&ada).await.unwrap();
    expect_unknown_skill(&mut eve).await;

    start(&town, &mut eve).await;
    SkillHide { name: "spins".into() }.run(&ada).await.unwrap();
    expect_unknown_skill(&mut eve).await;

    let path = town.path("component.wasm");
    let agreed = SkillLook { path: path.clone() }.run(&ada).await.unwrap().digest;
    let add = |from| SkillAdd { path: path.clone(), agreed, expose: Some(from) };
    add(Tier::Internal).run(&ada).await.unwrap();
    start(&town, &mut eve).await;
    add(Tier::Privileged).run(&ada).await.unwrap();
    expect_unknown_skill(&mut eve).await;

    TrustSet::standing(peer, Tier::Privileged).run(&ada).await.unwrap();
    start(&town, &mut eve).await;
    SkillRemove { name: "spins".into() }.run(&ada).await.unwrap();
    expect_unknown_skill(&mut eve).await;

    let entries = log(&ada).await;
    let revoked = entries.iter().filter_map(|entry| entry.detail.as_ref()).filter(|detail| {
        let reason = detail["reason"].as_str().unwrap_or_default();
        detail["outcome"] == "UNKNOWN_SKILL" && reason.contains("revoked while it ran")
    });
    assert_eq!(revoked.count(), 5);
    let first = entries.iter().rfind(|entry| entry.event == "call").unwrap();
    assert!(first.permit.is_some());
    assert!(first.detail.as_ref().unwrap()["duration_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_wait_for_their_turn_are_revoked_too() {
    let (town, ada, mut eve) = town().await;
    let at_once = Limits::of(Tier::Privileged).concurrent;
    for _ in 0..at_once {
        start(&town, &mut eve).await;
    }
    for _ in 0..2 {
        eve.send(&request(RequestId::random(), "spins", "null"));
    }
    eve.expect_silence().await;
    SkillHide { name: "spins".into() }.run(&ada).await.unwrap();
    for _ in 0..at_once + 2 {
        expect_unknown_skill(&mut eve).await;
    }
    let rows = town.audit_rows("ada");
    let count = |event: &str| rows.iter().filter(|row| row.event == event).count();
    assert_eq!((count("call_permitted"), count("call_finished")), (at_once, at_once));
    assert_eq!(count("call_refused"), 2, "those that waited never ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn raising_a_peer_stops_nothing() {
    let (town, ada, mut eve) = town().await;
    let mut fay = Stranger::new(&town.hub, "fay");
    fay.meet(ada.peer_id()).await;
    set_tier(&ada, fay.id, Tier::Internal).await;
    let id = start(&town, &mut fay).await;
    set_tier(&ada, fay.id, Tier::Privileged).await;
    set_tier(&ada, eve.id, Tier::Untrusted).await;
    eve.expect_silence().await;
    assert_eq!(town.count("ada", "call_finished", &id.to_string()), 0);
    set_tier(&ada, fay.id, Tier::Untrusted).await;
    expect_unknown_skill(&mut fay).await;
}

/// The agent ends without waiting for its guests.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_an_agent_stops_its_guests() {
    let (town, ada, mut eve) = town().await;
    let id = start(&town, &mut eve).await;
    timeout(BOUND, ada.close()).await.expect("it waits for the guest");
    drop(ada);
    // The home is free again at once, and the next process takes the call up.
    let ada = timeout(BOUND, town.open("ada")).await.expect("the home is still held");
    ada.serve().await.unwrap();
    let id = id.to_string();
    until("the call runs again", async || town.count("ada", "call_permitted", &id) == 2).await;
    eve.hear_the_end().await;
    eve.resume(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Untrusted).await;
    expect_unknown_skill(&mut eve).await;
}

use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{
    Cancel, Peers, Requested, TaskInfo, TaskOutput, TaskRequest, TaskResult, TaskState, Tasks,
};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Tier};
use coworker_store::{Outbound, OutboundState};
use serde_json::json;

use crate::guest::plain;
use crate::harness::{SECONDS, Town, connect, until};
use crate::stranger::{Stranger, request};

const WEEK: Duration = Duration::from_hours(7 * 24);

/// ada shows `plain` to everybody; bob is connected to her, and both serve.
async fn town() -> (Town, Agent, Agent) {
    in_town(Town::new()).await
}

async fn in_town(town: Town) -> (Town, Agent, Agent) {
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    ada.serve().await.unwrap();
    bob.serve().await.unwrap();
    (town, ada, bob)
}

/// Takes `peer` off the network and waits until `by` has noticed; earlier messages have left by then.
async fn leaves(town: &Town, peer: &Agent, by: &Agent) {
    town.hub.set_reachable(peer.peer_id(), false);
    let gone = async || Peers {}.run(by).await.unwrap().iter().all(|peer| !peer.connected);
    until("the link is lost", gone).await;
}

async fn ask(from: &Agent, to: PeerId, skill: &str, expires: Duration) -> Requested {
    let (peer, skill) = (to.to_string(), skill.to_owned());
    TaskRequest { peer, skill, input: "[7]".into(), version: None, expires }.run(from).await.unwrap()
}

async fn result(of: &Agent, id: &str, wait: bool) -> Result<TaskOutput, ApiError> {
    TaskResult { id: id.to_owned(), wait, timeout: wait.then_some(SECONDS) }.run(of).await
}

async fn tasks(of: &Agent) -> Vec<TaskInfo> {
    Tasks { peer: None, all: false }.run(of).await.unwrap()
}

async fn state(of: &Agent, id: RequestId) -> TaskState {
    let found = tasks(of).await.into_iter().find(|task| task.id == id.to_string());
    found.unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_a_peer_that_is_away_and_runs_once() {
    let (town, ada, bob) = town().await;
    leaves(&town, &ada, &bob).await;
    let asked = ask(&bob, ada.peer_id(), "plain", WEEK).await;
    assert!(!asked.sent);
    assert_eq!(state(&bob, asked.id).await, TaskState::Waiting);
    let open = result(&bob, &asked.id.to_string(), false).await.unwrap_err();
    assert_eq!(open.code, ErrorCode::Deadline, "{open}");

    let waiting = tokio::spawn(async move {
        let came = result(&bob, &asked.id.to_string()[..8], true).await;
        (came, bob)
    });
    town.hub.set_reachable(ada.peer_id(), true);
    let (came, bob) = waiting.await.unwrap();
    assert_eq!(came.unwrap().output, json!([7]));
    assert_eq!(state(&bob, asked.id).await, TaskState::Done);
    assert_eq!(town.count("ada", "call_finished", &asked.id.to_string()), 1);
    assert_eq!(result(&bob, &asked.id.to_string(), false).await.unwrap().output, json!([7]), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_a_caller_that_went_away() {
    let (town, ada, bob) = town().await;
    town.hub.set_reachable(ada.peer_id(), false);
    let asked = ask(&bob, ada.peer_id(), "plain", WEEK).await;
    bob.close().await;
    drop(bob);
    // A command that holds the agent for a moment delivers waiting mail.
    town.hub.set_reachable(ada.peer_id(), true);
    let bob = town.open("bob").await;
    until("ada has it", async || {
        let _ = result(&bob, &asked.id.to_string(), false).await;
        tasks(&ada).await.iter().any(|task| task.inbound)
    })
    .await;
    let bob = town.restart("bob", bob).await;
    assert_eq!(result(&bob, &asked.id.to_string(), true).await.unwrap().output, json!([7]));
    assert_eq!(town.count("ada", "call_finished", &asked.id.to_string()), 1);
    until("ada is rid of it", async || state(&ada, asked.id).await == TaskState::Done).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_expires_before_the_peer_is_back_never_leaves() {
    let (town, hand) = Town::with_manual_clock();
    let (town, ada, bob) = in_town(town).await;
    leaves(&town, &ada, &bob).await;
    let asked = ask(&bob, ada.peer_id(), "plain", Duration::from_secs(1)).await;
    hand.advance(Duration::from_secs(1));
    let error = result(&bob, &asked.id.to_string(), true).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Expired, "{error}");
    assert_eq!(state(&bob, asked.id).await, TaskState::Expired);
    town.hub.set_reachable(ada.peer_id(), true);
    let next = ask(&bob, ada.peer_id(), "plain", WEEK).await;
    result(&bob, &next.id.to_string(), true).await.unwrap();
    assert!(tasks(&ada).await.iter().all(|task| task.id != asked.id.to_string()));
}

fn expired(skill: &str, expires_ms: i64) -> Message {
    match request(RequestId::random(), skill, "1") {
        Message::TaskRequest { id, skill, input, version, part_of, .. } => Message::TaskRequest {
            id,
            skill,
            input,
            timeout_ms: None,
            expires_ms: Some(expires_ms),
            version,
            part_of,
        },
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_request_is_answered_as_expired_for_any_skill() {
    let (town, ada, _bob) = town().await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    let mut answers = Vec::new();
    for skill in ["plain", "hidden", "no such!"] {
        let Message::TaskError { id, code, message } = eve.ask(&expired(skill, 5)).await else { panic!() };
        assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 0);
        answers.push((code, message, eve.frame_length));
    }
    assert_eq!(answers[0].0, ErrorCode::Expired);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    for far in [i64::MAX, 4_000_000_000_000] {
        assert!(matches!(eve.ask(&expired("plain", far)).await, Message::TaskResponse { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_hidden_skill_fails_like_one_for_no_skill() {
    let (_town, ada, bob) = town().await;
    let mut errors = Vec::new();
    coworker_api::ops::SkillHide { name: "plain".into() }.run(&ada).await.unwrap();
    for skill in ["plain", "nothing"] {
        let asked = ask(&bob, ada.peer_id(), skill, WEEK).await;
        let error = result(&bob, &asked.id.to_string(), true).await.unwrap_err();
        assert_eq!(state(&bob, asked.id).await, TaskState::Failed);
        errors.push((error.code, error.message, error.from_peer));
    }
    assert_eq!(errors[0], (ErrorCode::UnknownSkill, "unknown skill".to_owned(), true));
    assert_eq!(errors[0], errors[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_cancelled_while_the_peer_is_away() {
    let (town, ada, bob) = town().await;
    leaves(&town, &ada, &bob).await;
    let asked = ask(&bob, ada.peer_id(), "plain", WEEK).await;
    let cancelled = Cancel { id: asked.id.to_string()[..8].to_owned() }.run(&bob).await.unwrap();
    assert_eq!(cancelled.id, asked.id);
    assert_eq!(state(&bob, asked.id).await, TaskState::Cancelled);
    let error = result(&bob, &asked.id.to_string(), false).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    town.hub.set_reachable(ada.peer_id(), true);
    let next = ask(&bob, ada.peer_id(), "plain", WEEK).await;
    result(&bob, &next.id.to_string(), true).await.unwrap();
    assert_eq!(town.count("ada", "call_permitted", &asked.id.to_string()), 0);
    assert!(Cancel { id: next.id.to_string() }.run(&bob).await.is_err(), "what is done is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_could_be_several_is_answered_with_all_of_them() {
    let (town, ada, bob) = town().await;
    let ids = ["abcd0000-0000-4000-8000-000000000001", "abcd0000-0000-4000-8000-000000000002"];
    for id in ids {
        let row = Outbound {
            id: id.parse().unwrap(),
            peer: ada.peer_id(),
            skill: "plain".to_owned(),
            input: "1".to_owned(),
            state: OutboundState::Waiting,
            expires_ms: Some(i64::MAX),
            answer: None,
            at_ms: 0,
            done_ms: None,
        };
        town.in_transaction("bob", |tx| tx.add_outbound(&row));
    }
    for error in [
        result(&bob, "ABCD", false).await.map(drop).unwrap_err(),
        Cancel { id: "abcd0000".into() }.run(&bob).await.map(drop).unwrap_err(),
    ] {
        let hint = coworker_api::Hint::join(&error.hints, None);
        assert!(error.code == ErrorCode::Usage && ids.iter().all(|id| hint.contains(id)), "{hint}");
    }
    assert_eq!(result(&bob, ids[0], false).await.unwrap_err().code, ErrorCode::Deadline);
    assert_eq!(result(&bob, "ffff", false).await.unwrap_err().code, ErrorCode::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_request_is_open_is_bounded() {
    let (_town, ada, bob) = town().await;
    for expires in [Duration::ZERO, Duration::from_hours(31 * 24), Duration::MAX] {
        let (peer, skill) = (ada.peer_id().to_string(), "plain".to_owned());
        let ask = TaskRequest { peer, skill, input: "1".into(), version: None, expires };
        assert_eq!(ask.run(&bob).await.unwrap_err().code, ErrorCode::Usage, "{expires:?}");
    }
}

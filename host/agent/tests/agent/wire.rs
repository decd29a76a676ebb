use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::Call;
use coworker_channel::{Frame, MAX_BATCH_MESSAGES, MAX_FRAME, Message, SessionId};
use coworker_policy::{ErrorCode, RequestId, Tier};
use serde_json::json;

use crate::guest::plain;
use crate::harness::{SECONDS, Town, log, set_tier};
use crate::stranger::{Stranger, request};

/// An agent with an echo for strangers, and a connected stranger.
async fn town() -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    (town, ada, eve)
}

fn error_code(message: &Message) -> ErrorCode {
    match message {
        Message::Error { code, .. } | Message::TaskError { code, .. } => *code,
        other => panic!("no error: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_was_asked_can_answer() {
    let (town, ada, mut eve) = town().await;
    let mut gus = Stranger::new(&town.hub, "gus");
    gus.meet(ada.peer_id()).await;
    let question = Call {
        peer: gus.id.to_string(),
        skill: "any".into(),
        input: "1".into(),
        version: None,
        timeout: SECONDS,
    };
    let asking = tokio::spawn(async move { question.run(&ada).await });
    let id = gus.read().await.id().unwrap();

    eve.send(&Message::TaskResponse { id, output: json!("eve's").into() });
    eve.send(&Message::TaskResponse { id: RequestId::random(), output: json!("nobody's").into() });
    eve.expect_silence().await;
    gus.send(&Message::TaskResponse { id, output: json!("gus's").into() });
    gus.send(&Message::TaskResponse { id, output: json!("a second thought").into() });
    gus.expect_silence().await;
    assert_eq!(asking.await.unwrap().unwrap().output, json!("gus's"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_unknown_kind_needs_the_highest_tier() {
    let (_town, ada, mut eve) = town().await;
    let id = RequestId::random();
    let warp = format!(r#"{{"type":"warp","id":"{id}","factor":9}}"#).into_bytes();
    for (tier, code) in [
        (Tier::Untrusted, ErrorCode::TrustTierTooLow),
        (Tier::Internal, ErrorCode::TrustTierTooLow),
        (Tier::Privileged, ErrorCode::InvalidInput),
    ] {
        set_tier(&ada, eve.id, tier).await;
        eve.send_bytes(warp.clone());
        let answer = eve.read().await;
        assert_eq!((answer.id(), error_code(&answer)), (Some(id), code), "{tier}");
    }
    let refused = log(&ada).await.into_iter().filter(|entry| entry.event == "message_refused");
    // A peer's own actions are written down once a second.
    assert!((1..=2).contains(&refused.count()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_gets_an_error_and_spoils_no_other() {
    let (_town, _ada, mut eve) = town().await;
    let (first, bad, last) = (RequestId::random(), RequestId::random(), RequestId::random());
    let frame = eve.seal(&[
        Message::Ping { id: first }.encode(),
        format!(r#"{{"type":"task_request","id":"{bad}","input":1}}"#).into_bytes(),
        b"\xff\x00 no JSON at all".to_vec(),
        br#"{"type":"task_response","id":"not an id","output":1}"#.to_vec(),
        Message::Ping { id: last }.encode(),
    ]);
    eve.say(&frame);
    assert_eq!(eve.read().await, Message::Pong { id: first });
    let error = eve.read().await;
    assert_eq!((error.id(), error_code(&error)), (Some(bad), ErrorCode::InvalidInput));
    assert_eq!(eve.read().await, Message::Pong { id: last });
    eve.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_frame_is_acknowledged_again_and_has_no_second_effect() {
    let (town, _ada, mut eve) = town().await;
    let id = RequestId::random();
    let frame = eve.seal(&[request(id, "plain", "[1]").encode()]);
    eve.say(&frame);
    assert_eq!(eve.read().await, Message::TaskResponse { id, output: json!([1]).into() });
    eve.acknowledged(2).await;
    eve.acked = 0;
    eve.say(&frame);
    eve.acknowledged(2).await;
    eve.expect_silence().await;
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_ends_the_connection_and_the_next_one_mends_it() {
    let (_town, ada, mut eve) = town().await;
    let (one, two) = (RequestId::random(), RequestId::random());
    let first = eve.seal(&[Message::Ping { id: one }.encode()]);
    let second = eve.seal(&[Message::Ping { id: two }.encode()]);
    eve.say(&second);
    eve.hear_the_end().await;
    assert_eq!(eve.resume(ada.peer_id()).await, 1);
    eve.say(&first);
    eve.say(&second);
    assert_eq!(eve.read().await, Message::Pong { id: one });
    assert_eq!(eve.read().await, Message::Pong { id: two });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_twice_runs_once_and_is_answered_twice() {
    let (town, _ada, mut eve) = town().await;
    let id = RequestId::random();
    let first = eve.ask(&request(id, "plain", r#"{"n": 1}"#)).await;
    // The second request's content does not matter: the id names the call.
    let second = eve.ask(&request(id, "plain", r#"{"n": 2}"#)).await;
    assert_eq!(first, Message::TaskResponse { id, output: json!({ "n": 1 }).into() });
    assert_eq!(first, second);
    assert_eq!(town.count("ada", "call_permitted", &id.to_string()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_ends_the_connection_only() {
    let (_town, ada, mut eve) = town().await;
    let forged =
        |eve: &Stranger| Frame::Sealed { session: eve.session_id(), seq: 2, ciphertext: vec![7; 300] };
    let breaches = [
        vec![0; MAX_FRAME + 1],
        Vec::new(),
        vec![9, 9, 9],
        Frame::KeyPackage(vec![1; 100]).encode(),
        forged(&eve).encode(),
    ];
    for (number, breach) in breaches.into_iter().enumerate() {
        eve.say_bytes(breach);
        eve.hear_the_end().await;
        assert_eq!(eve.resume(ada.peer_id()).await, 1, "breach {number}");
    }
    eve.expect_silence().await;
}

/// Acknowledgements are claims. One for a batch that was never sent, or for another session, is ignored.
#[tokio::test(flavor = "multi_thread")]
async fn a_false_acknowledgement_loses_nothing() {
    let (_town, ada, mut eve) = town().await;
    eve.polite = false;
    let id = RequestId::random();
    let session = eve.session_id();
    eve.say(&Frame::Ack { session, seq: u64::MAX });
    eve.say(&Frame::Ack { session: SessionId::from_bytes([3; 32]), seq: 1 });
    eve.send(&Message::Ping { id });
    eve.acknowledged(2).await;
    // The answer was on its way when the connection went; it is not taken as read.
    eve.hang_up();
    eve.polite = true;
    assert_eq!(eve.resume(ada.peer_id()).await, 2);
    assert_eq!(eve.read().await, Message::Pong { id });
}

/// A peer that asks and never takes the answers is cut off. Messages that were not taken are not acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_taken_is_not_acknowledged() {
    let (_town, ada, mut eve) = town().await;
    eve.polite = false;
    let pings = || vec![Message::Ping { id: RequestId::random() }.encode(); MAX_BATCH_MESSAGES];
    let mut frames = Vec::new();
    for _ in 0..80 {
        let frame = eve.seal(&pings());
        eve.say(&frame);
        frames.push(frame);
    }
    eve.hear_the_end().await;
    let acknowledged = eve.acked;
    assert!(acknowledged <= 80, "nothing holds it back");
    eve.polite = true;
    let taken = eve.resume(ada.peer_id()).await;
    assert_eq!(taken, acknowledged, "what was acknowledged was not taken");
    // Once it takes its answers, the rest is welcome.
    let taken = usize::try_from(taken).unwrap() - 1;
    for _ in 0..taken * MAX_BATCH_MESSAGES {
        assert!(matches!(eve.read().await, Message::Pong { .. }));
    }
    eve.say(&frames[taken]);
    for _ in 0..MAX_BATCH_MESSAGES {
        assert!(matches!(eve.read().await, Message::Pong { .. }));
    }
}

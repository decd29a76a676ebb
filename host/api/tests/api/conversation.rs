//! A conversation of protocol version 1, recorded when the protocol was first documented. It must work for ever.

use coworker_api::protocol::Limits;
use coworker_api::{AgentHandle, Client};
use coworker_policy::ErrorCode;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::harness::Serving;

const RECORDED: &str = include_str!("socket-v1.txt");

#[tokio::test]
async fn the_recorded_conversation_of_version_1_still_works() {
    let serving = Serving::new(Limits::default());
    let mut client = serving.raw().await;
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        match line.split_at(2) {
            ("> ", line) => client.write(line).await,
            ("< ", line) => assert_eq!(
                client.read().await,
                Some(line.replace("@PEER@", &crate::harness::peer().to_string()))
            ),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_client_runs_several_operations_over_one_connection() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let serving = Serving::new(limits);
    let client = Client::connect(serving.dir.path(), "test 1").await.unwrap();
    assert_eq!(client.server().name.as_str(), "ada");
    let agent = AgentHandle::new(client);
    for _ in 0..3 {
        let ping = coworker_api::ops::Ping { peer: "bob".into(), timeout: 1.0 };
        assert!((agent.run(ping).await.unwrap().round_trip_ms - 1.5).abs() < 1e-9);
    }
    let error = agent.run(coworker_api::ops::Peers {}).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotConnected);
    assert_eq!(coworker_api::Hint::join(&error.hints, None), "see known peers: coworker peers");
}

#[tokio::test]
async fn a_call_tells_its_updates_and_can_be_cancelled() {
    let serving = Serving::new(Limits::default());
    let agent = AgentHandle::new(Client::connect(serving.dir.path(), "test 1").await.unwrap());
    let (cancel, mut updates) = (CancellationToken::new(), Vec::new());
    let call: Value = serde_json::json!({
        "peer": "bob", "skill": "quote", "input": "{}", "timeout": 5.0
    });
    let call: coworker_api::ops::Call = serde_json::from_value(call).unwrap();
    let stop = cancel.clone();
    let answer = agent
        .run_observed(call, cancel, |update| {
            updates.push(update);
            stop.cancel();
        })
        .await;
    assert_eq!(answer.unwrap_err().code, ErrorCode::Cancelled);
    assert_eq!(updates.len(), 1);
}

//! Calls that are called off.

use std::time::Duration;

use coworker_policy::Tier;
use coworker_sandbox::{Stopped, Surroundings};
use tokio_util::sync::CancellationToken;

use crate::harness::{Ask, Lab, guest};

/// Far below the two minutes that a PRIVILEGED call may take, far above what stopping takes.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn cancelling_stops_a_spinning_guest() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("loop").into()).await.unwrap();
    let stop = CancellationToken::new();
    let call = lab
        .sandbox
        .run(Ask::new(digest, Tier::Privileged, "null").permit(), Surroundings::bare(stop.clone()));
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::time::timeout(SOON, async { tokio::join!(call, cancel) }).await.unwrap();
    assert_eq!(outcome.unwrap().result, Err(Stopped::Cancelled));
    lab.expect_service().await;
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_it_began_does_not_run() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let outcome = lab
        .sandbox
        .run(Ask::new(digest, Tier::Known, "null").permit(), Surroundings::bare(stop))
        .await
        .unwrap();
    assert_eq!(outcome.result, Err(Stopped::Cancelled));
    assert_eq!(outcome.usage.fuel, 0);
}

#[tokio::test]
async fn dropped_calls_give_their_slots_back() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("loop").into()).await.unwrap();
    // More than there are slots.
    for _ in 0..100 {
        let permit = Ask::new(digest, Tier::Privileged, "null").permit();
        let call = lab.sandbox.run(permit, Surroundings::default());
        assert!(tokio::time::timeout(Duration::from_millis(2), call).await.is_err());
    }
    tokio::time::timeout(SOON, lab.expect_service()).await.unwrap();
}

#[tokio::test]
async fn more_calls_than_slots_wait_for_their_turn() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let sandbox = lab.sandbox.clone();
        calls.spawn(async move {
            sandbox.run(Ask::new(digest, Tier::Privileged, "1").permit(), Surroundings::default()).await
        });
    }
    while let Some(outcome) = calls.join_next().await {
        assert_eq!(outcome.unwrap().unwrap().result.as_deref(), Ok("1"));
    }
}

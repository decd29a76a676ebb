//! Calls that are cancelled.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{ComponentTerms, Digest, Granted, Limits, Tier};
use coworker_sandbox::{HostContext, Stopped};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::harness::{Ask, Lab, guest};
use crate::hostile::sleeping;

/// Far shorter than the two minutes of a PRIVILEGED call, far longer than a cancellation takes.
const SOON: Duration = Duration::from_secs(10);

/// Measures from the cancellation to the outcome of the call, when the guest is gone.
#[tokio::test]
async fn a_guest_that_ignores_cancellation_ends_within_100_ms() {
    let guests = [
        ("loop", guest!("loop")),
        ("loop in start", guest!("loop_in_start")),
        ("bulk work", guest!("memory_fill")),
        ("host calls", guest!("host_call_loop")),
        ("sleep", sleeping()),
    ];
    let lab = Lab::new();
    for (name, wasm) in guests {
        let digest = lab.sandbox.load(wasm.into()).await.unwrap();
        let mut quickest = SOON;
        for _ in 0..5 {
            quickest = quickest.min(until_gone(&lab, digest).await);
        }
        // A busy machine may slow down some attempts, not all of them.
        assert!(quickest < Duration::from_millis(100), "{name}: {quickest:?}");
    }
    lab.expect_service().await;
}

async fn until_gone(lab: &Lab, digest: Digest) -> Duration {
    let stop = CancellationToken::new();
    let limits = Limits { host_calls: u64::MAX, ..Limits::of(Tier::Privileged) };
    let terms = Arc::new(ComponentTerms::new(Granted::default(), [limits; 4]));
    let ask = Ask { terms, ..Ask::new(digest, Tier::Privileged, "null") };
    let call = lab.sandbox.run(ask.permit(), HostContext::bare(stop.clone()));
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stop.cancel();
        Instant::now()
    };
    let (outcome, cancelled) =
        tokio::time::timeout(SOON, async { tokio::join!(call, cancel) }).await.unwrap();
    assert_eq!(outcome.unwrap().result, Err(Stopped::Cancelled));
    cancelled.elapsed()
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_it_began_does_not_run() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let outcome = lab
        .sandbox
        .run(Ask::new(digest, Tier::Known, "null").permit(), HostContext::bare(stop))
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
        let call = lab.sandbox.run(permit, HostContext::default());
        assert!(tokio::time::timeout(Duration::from_millis(2), call).await.is_err());
    }
    tokio::time::timeout(SOON, lab.expect_service()).await.unwrap();
}

#[tokio::test]
async fn calls_beyond_the_slots_wait_for_their_turn() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let sandbox = lab.sandbox.clone();
        calls.spawn(async move {
            sandbox.run(Ask::new(digest, Tier::Privileged, "1").permit(), HostContext::default()).await
        });
    }
    while let Some(outcome) = calls.join_next().await {
        assert_eq!(outcome.unwrap().unwrap().result.as_deref(), Ok("1"));
    }
}

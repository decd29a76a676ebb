//! Progress notes and output parts of running guests.

use std::time::Duration;

use coworker_policy::{ErrorCode, Limits, Refusal, Tier};
use coworker_sandbox::{HostContext, Outcome, Stopped, StreamReceiver, StreamSender};

use crate::harness::{Ask, Lab, guest};

/// The outcome of a guest, and all notes and parts that were received.
async fn hear(wasm: Vec<u8>, input: &str) -> (Outcome, Vec<(u8, String)>, Vec<String>) {
    let lab = Lab::new();
    let (sender, mut receiver) = StreamSender::channel();
    let (mut notes, mut parts) = (Vec::new(), Vec::new());
    let listen = async {
        while let Some(told) = receiver.next().await {
            notes.extend(told.note.map(|note| (note.percent(), note.into_text().to_string())));
            for part in told.parts {
                assert_eq!(part.index(), parts.len() as u64);
                parts.push(part.into_text());
            }
        }
    };
    let run = run_for(Duration::from_secs(5), &lab, wasm, input, sender);
    let (outcome, ()) = tokio::join!(run, listen);
    (outcome, notes, parts)
}

async fn run(lab: &Lab, wasm: Vec<u8>, input: &str, sender: StreamSender) -> Outcome {
    run_for(Duration::from_secs(2), lab, wasm, input, sender).await
}

async fn run_for(timeout: Duration, lab: &Lab, wasm: Vec<u8>, input: &str, sender: StreamSender) -> Outcome {
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let ask = Ask { timeout: Some(timeout), ..Ask::new(digest, Tier::Known, input) };
    lab.sandbox.run(ask.permit(), HostContext { stream: sender, ..HostContext::default() }).await.unwrap()
}

#[tokio::test]
async fn notes_and_parts_arrive_and_the_last_note_is_never_lost() {
    let (outcome, notes, parts) = hear(guest!("tells"), "[1]").await;
    assert_eq!(outcome.result.as_deref(), Ok("[1]"));
    assert_eq!(parts, ["[1]", "[1]"]);
    assert_eq!(notes.last(), Some(&(100, String::new())));
    assert_eq!(outcome.usage.emitted_bytes, 16);
}

#[tokio::test]
async fn without_a_receiver_the_guest_does_not_wait() {
    let lab = Lab::new();
    assert_eq!(run(&lab, guest!("tells"), "7", StreamSender::default()).await.result.as_deref(), Ok("7"));
    let (sender, receiver) = StreamSender::channel();
    drop(receiver);
    assert_eq!(run(&lab, guest!("tells"), "7", sender).await.result.as_deref(), Ok("7"));
}

#[tokio::test]
async fn parts_beyond_the_output_limit_end_the_call() {
    let (outcome, _, parts) = hear(guest!("emit_flood"), &format!("\"{}\"", "x".repeat(10_000))).await;
    let max = Limits::of(Tier::Known).output_bytes;
    let Err(stopped @ Stopped::Emitted(Refusal::OutputTooLarge { .. })) = outcome.result else {
        panic!("{:?}", outcome.result);
    };
    assert_eq!(stopped.code(), ErrorCode::LimitExceeded);
    assert!(stopped.public().as_str().contains(&max.to_string()), "{}", stopped.public());
    let heard: usize = parts.iter().map(String::len).sum();
    assert!(heard <= max && heard + 10_010 > max, "{heard}");
}

/// Sends a hundred thousand notes of 64 KiB. The limit of host calls ends the guest long before its deadline.
#[tokio::test]
async fn a_flood_of_progress_notes_arrives_as_a_few() {
    let started = tokio::time::Instant::now();
    let (outcome, notes, _) = hear(guest!("progress_flood"), "null").await;
    assert!(matches!(outcome.result, Err(Stopped::HostCalls { .. })), "{outcome:?}");
    let spans = started.elapsed().as_millis() / 100;
    assert!(notes.len() as u128 <= spans + 2, "{} in {spans} spans", notes.len());
    assert!(notes.iter().all(|(_, note)| note.len() <= 200));
}

/// The guest waits. The number of waiting parts is limited, and so is the time.
#[tokio::test]
async fn a_receiver_that_does_not_read_blocks_the_guest_until_its_deadline() {
    let lab = Lab::new();
    let (sender, mut receiver) = StreamSender::channel();
    let outcome = run(&lab, guest!("emit_flood"), "1", sender).await;
    assert_eq!(outcome.result, Err(Stopped::Deadline));
    assert_eq!(parts_left(&mut receiver).await, 64);
    lab.expect_service().await;
}

async fn parts_left(receiver: &mut StreamReceiver) -> usize {
    let mut count = 0;
    while let Some(told) = receiver.next().await {
        count += told.parts.len();
    }
    count
}

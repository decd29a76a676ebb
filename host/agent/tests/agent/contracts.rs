use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::SkillRun;
use coworker_policy::{ErrorCode, Limits, Tier};

use crate::guest::{SUMMARIZE, roomy, traps, wrong};
use crate::harness::{Town, call, connect, log, set_tier};

async fn town(wasm: &[u8], tier: Tier) -> (Town, Agent, Agent) {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, wasm, Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), tier).await;
    (town, ada, bob)
}

async fn last_reason(agent: &Agent) -> String {
    let entry = log(agent).await.remove(0);
    entry.detail.unwrap()["reason"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_does_not_fit_is_refused_with_the_place_and_without_the_value() {
    let (_town, ada, bob) = town(SUMMARIZE, Tier::Known).await;
    let refused = |input: String| {
        let (bob, ada) = (bob.clone(), ada.peer_id());
        async move { call(&bob, ada, "summarize", &input).await.unwrap_err() }
    };
    let error = refused(r#"{"text": "One. Two.", "sentences": "hunter2"}"#.into()).await;
    assert_eq!((error.code, error.from_peer), (ErrorCode::InvalidInput, true));
    assert!(error.message.contains("/sentences"), "{}", error.message);
    assert!(!error.message.contains("hunter2"), "{}", error.message);

    let max = Limits::of(Tier::Known).input_bytes;
    let error = refused(format!(r#"{{"text": "{}"}}"#, "x".repeat(max))).await;
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    assert!(error.message.contains(&max.to_string()), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_no_json_is_the_skill_s_fault_and_stays_here() {
    let (_town, ada, bob) = town(&wrong(), Tier::Known).await;
    let error = call(&bob, ada.peer_id(), "wrong", "1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidOutput);
    assert_eq!(error.message, "the skill's result does not fit its own schema");
    assert!(last_reason(&ada).await.contains("the result is not JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_trap_is_the_owner_s_alone() {
    let (_town, ada, bob) = town(&traps(), Tier::Known).await;
    let error = call(&bob, ada.peer_id(), "traps", "1").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::SkillFailed, "the skill failed"));
    let reason = last_reason(&ada).await;
    assert!(reason.contains("unreachable"), "{reason}");

    let run = |tier| SkillRun { name: "traps".into(), input: "1".into(), tier }.run(&ada);
    assert!(run(None).await.unwrap_err().message.contains("unreachable"));
    assert_eq!(run(Some(Tier::Known)).await.unwrap_err().message, "the skill failed");
}

/// `1e15` is 4 bytes in the guest's answer and 18 in ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_grows_beyond_a_message_is_answered_all_the_same() {
    let (_town, ada, bob) = town(&roomy(), Tier::Privileged).await;
    let input = format!("[{}1]", "1e15,".repeat(350_000));
    let error = call(&bob, ada.peer_id(), "plain", &input).await.unwrap_err();
    assert_eq!((error.code, error.from_peer), (ErrorCode::LimitExceeded, true), "{error}");
}

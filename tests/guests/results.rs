//! Answers and errors of guests.

use coworker_policy::{ErrorCode, Refusal, Tier};
use coworker_sandbox::{Fault, HostContext, SkillError, Stopped};

use crate::harness::{Ask, Lab, guest};

#[tokio::test]
async fn an_answer_comes_with_its_usage() {
    let outcome = Lab::new().call(guest!("echo"), Tier::Known, r#"{"a": 1}"#).await;
    assert_eq!(outcome.result.as_deref(), Ok(r#"{"a": 1}"#));
    assert_eq!(outcome.log, "");
    assert_eq!(outcome.usage.peak_memory, 2 * 65_536);
    assert!((1..10_000).contains(&outcome.usage.fuel));
    assert_eq!(serde_json::to_value(outcome.usage).unwrap()["host_calls"], 0);
}

#[tokio::test]
async fn every_call_has_a_fresh_instance() {
    let lab = Lab::new();
    let first = lab.call(guest!("who"), Tier::Known, "null").await;
    let second = lab.call(guest!("who"), Tier::Known, "null").await;
    assert_eq!(first.result, second.result);
    assert_eq!(first.usage.fuel, second.usage.fuel);
}

#[tokio::test]
async fn describe_says_what_the_component_holds() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    let skills = lab.sandbox.describe(digest).await.unwrap();
    assert_eq!(skills.len(), 1);
    assert_eq!((skills[0].name.as_str(), skills[0].version.as_str()), ("guest", "1.0.0"));
    assert_eq!(skills[0].description, "A guest of the tests.");
    assert_eq!(skills[0].output_schema, "true");
}

#[tokio::test]
async fn a_crash_is_an_outcome_whose_text_only_the_owner_sees() {
    let lab = Lab::new();
    let stopped = lab.call(guest!("trap"), Tier::Known, "null").await.result.unwrap_err();
    assert!(matches!(&stopped, Stopped::Trap(text) if text.contains("unreachable")), "{stopped}");
    assert_eq!(stopped.code(), ErrorCode::SkillFailed);
    assert_eq!(stopped.public().as_str(), "the skill failed");
    lab.expect_service().await;
}

#[tokio::test]
async fn text_that_is_no_json_ends_at_the_output_gate() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("invalid_json").into()).await.unwrap();
    let permit = Ask::new(digest, Tier::Known, "null").permit();
    let terms = permit.output_terms();
    let output = lab.run(permit).await.result.unwrap();
    assert_eq!(output, "{\"open\":");
    assert!(matches!(terms.check(&output), Err(Refusal::OutputNotJson(_))));
}

#[tokio::test]
async fn a_skills_own_errors_keep_their_kind() {
    let why = || "why".to_owned();
    let cases = [
        (SkillError::InvalidInput(why()), ErrorCode::InvalidInput, "invalid input: why"),
        (SkillError::Denied(why()), ErrorCode::SkillFailed, "denied: why"),
        (SkillError::Unavailable(why()), ErrorCode::SkillFailed, "unavailable: why"),
        (SkillError::Cancelled, ErrorCode::Cancelled, "cancelled"),
        (SkillError::Deadline, ErrorCode::Deadline, "out of time"),
        (SkillError::Other(why()), ErrorCode::SkillFailed, "why"),
    ];
    let lab = Lab::new();
    for (case, (error, code, public)) in cases.into_iter().enumerate() {
        let outcome = lab.call(guest!("skill_error"), Tier::Known, &format!("\"{case}\"")).await;
        let stopped = outcome.result.unwrap_err();
        assert_eq!(stopped, Stopped::Skill(error));
        assert_eq!(stopped.code(), code);
        assert_eq!(stopped.public().as_str(), public);
    }
}

#[tokio::test]
async fn a_component_that_is_not_loaded_does_not_run() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(guest!("echo").into()).await.unwrap();
    assert!(lab.sandbox.is_loaded(digest));
    lab.sandbox.unload(digest);
    assert!(!lab.sandbox.is_loaded(digest));
    let permit = Ask::new(digest, Tier::Known, "null").permit();
    let refused = lab.sandbox.run(permit, HostContext::default()).await;
    assert!(matches!(refused, Err(Fault::NotLoaded(missing)) if missing == digest));
}

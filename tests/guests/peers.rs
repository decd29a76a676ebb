//! Calls of other agents' skills: grants, limits and answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use coworker_policy::{Capability, ErrorCode, PeerId, Text, Tier};
use coworker_sandbox::{
    Denied, FindFuture, HostContext, PeerCall, PeerCallFuture, PeerFailure, Peers, Stopped,
};
use serde_json::{Value, json};

use crate::asking_call::{Asking, Waits, told};

const PASS: &[u8] = include_bytes!("built/pass.wasm");
const ADA: PeerId = PeerId::from_bytes([1; 32]);
const EVE: PeerId = PeerId::from_bytes([2; 32]);
const DENIED: (&str, &str) = ("denied", "this call may not ask that peer for that skill");

/// Scripted peers.
#[derive(Default)]
struct Scripted {
    answer: Option<Result<String, PeerFailure>>,
    called: Mutex<Vec<PeerCall>>,
    sought: Mutex<Vec<(String, Vec<PeerId>)>>,
    waits: Option<Waits>,
}

impl Scripted {
    fn answering(answer: Result<&str, PeerFailure>) -> Arc<Self> {
        Arc::new(Self { answer: Some(answer.map(str::to_owned)), ..Self::default() })
    }

    fn called(&self) -> Vec<PeerCall> {
        self.called.lock().unwrap().clone()
    }
}

impl Peers for Scripted {
    fn find<'a>(&'a self, name: &'a str, granted: &'a [PeerId]) -> FindFuture<'a> {
        self.sought.lock().unwrap().push((name.to_owned(), granted.to_vec()));
        let found = match name {
            "ada" => Some(ADA),
            "eve" => Some(EVE),
            _ => None,
        };
        Box::pin(async move { found })
    }

    fn call(&self, call: PeerCall) -> PeerCallFuture<'_> {
        let own = Ok(call.input.clone());
        self.called.lock().unwrap().push(call);
        Box::pin(async move {
            match &self.waits {
                Some(waits) => waits.forever().await,
                None => self.answer.clone().unwrap_or(own),
            }
        })
    }
}

/// A call by a PRIVILEGED caller with these rules.
fn asking(peers: &Arc<Scripted>, rules: &[&str]) -> Asking {
    let context = HostContext { peers: Arc::clone(peers) as Arc<dyn Peers>, ..HostContext::default() };
    let asking = Asking::new(PASS, "pass", context, Tier::Privileged);
    let rules: Vec<String> = rules.iter().map(|rule| rule.replace("ADA", &ADA.to_string())).collect();
    if rules.is_empty() { asking } else { asking.grant(Capability::Peers, &rules) }
}

fn ask(peer: &(impl ToString + ?Sized), skill: &str) -> Value {
    json!({ "peer": peer.to_string(), "skill": skill, "input": { "text": "hello" } })
}

fn calls(calls: impl IntoIterator<Item = Value>) -> Value {
    json!({ "calls": calls.into_iter().collect::<Vec<_>>() })
}

#[tokio::test]
async fn without_a_grant_no_peer_is_called_and_the_owner_reads_the_missing_rule() {
    let peers = Arc::new(Scripted::default());
    let outcome = asking(&peers, &[]).run(&calls([ask(&ADA, "quote"), ask("eve", "quote")])).await;
    for told in told(&outcome) {
        assert_eq!(told.error(), DENIED);
    }
    let what = |peer: PeerId| Denied { capability: Capability::Peers, what: format!("{peer}/quote") };
    assert_eq!(outcome.denied, [what(ADA), what(EVE)], "a denial shows the id that a grant would name");
    assert!(peers.called().is_empty());
}

#[tokio::test]
async fn a_grant_is_for_one_skill_of_one_peer() {
    let peers = Arc::new(Scripted::default());
    let asking = asking(&peers, &["ADA/quote"]);
    let outcome = asking
        .run(&calls([
            ask(&ADA, "quote"),
            ask("ada", "quote"),
            ask(&ADA.to_string().to_uppercase(), "quote"),
            ask(&ADA, "other"),
            ask(&EVE, "quote"),
            ask("eve", "quote"),
            ask("nobody", "quote"),
            ask(&ADA, "Quote"),
            ask(&ADA, "*"),
            ask("", ""),
            ask(&"x".repeat(300_000), &"y".repeat(300_000)),
        ]))
        .await;
    let told = told(&outcome);
    assert!(told[..3].iter().all(|told| told.output == Some(json!({ "text": "hello" }))), "{told:?}");
    assert!(told[3..].iter().all(|told| told.error() == DENIED), "the reason must not be revealed: {told:?}");
    let called = peers.called();
    assert!(called.iter().all(|call| call.peer == ADA && call.skill.as_str() == "quote"));
    assert_eq!(called.len(), 3);
    assert!(called[0].timeout < asking.timeout && called[0].timeout > asking.timeout / 2);
    assert!(outcome.denied.iter().all(|denied| denied.what.len() <= Text::MAX));
    let sought = peers.sought.lock().unwrap();
    assert_eq!(sought[0], ("ada".to_owned(), vec![ADA]), "an id is not looked up");
    assert!(sought.iter().all(|(name, _)| name.len() < 300));
}

#[tokio::test]
async fn a_star_is_all_skills_of_one_peer() {
    let peers = Arc::new(Scripted::default());
    let asking = asking(&peers, &["ADA/*"]);
    let told = asking.told(&calls([ask(&ADA, "quote"), ask("ada", "other"), ask(&EVE, "quote")])).await;
    assert!(told[0].output.is_some() && told[1].output.is_some());
    assert_eq!(told[2].error(), DENIED);
}

#[tokio::test]
async fn a_flood_of_calls_ends_at_the_budget() {
    let peers = Arc::new(Scripted::default());
    let asking = asking(&peers, &["ADA/*"]);
    let mut flood = ask(&ADA, "quote");
    flood["times"] = 5000.into();
    let told = asking.told(&calls([flood])).await;
    assert_eq!(told[0].error(), ("denied", "this call may not ask a peer again"));
    assert_eq!(peers.called().len() as u64, asking.limits.peer_calls);
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn an_input_that_is_too_large_for_any_peer_is_not_sent() {
    let peers = Arc::new(Scripted::default());
    let asking = asking(&peers, &["ADA/*"]);
    let padded = |spaces: usize| {
        let mut ask = ask(&ADA, "quote");
        ask["spaces"] = spaces.into();
        ask
    };
    let told = asking.told(&calls([padded(2 << 20), padded((2 << 20) - 17)])).await;
    assert_eq!(told[0].error(), ("other", "the input is larger than any peer takes"));
    assert_eq!(told[1].error(), ("no error", ""));
    let far = asking.run(&calls([padded(8 << 20)])).await.result;
    assert!(matches!(far, Err(Stopped::Transfer { .. })), "{far:?}");
    assert_eq!(peers.called().len(), 1);
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn an_answer_is_no_larger_than_an_input_may_be() {
    let text = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    for (size, told_error) in [(1000, "no error"), (1001, "other")] {
        let peers = Scripted::answering(Ok(&text(size)));
        let mut asking = asking(&peers, &["ADA/*"]);
        asking.limits.input_bytes = 1000;
        let told = asking.told(&calls([ask(&ADA, "quote")])).await;
        assert_eq!(told[0].error().0, told_error, "{size}");
    }
}

#[tokio::test]
async fn every_failure_has_a_fixed_text_except_the_peers_own() {
    let message = Text::sanitized("no such word");
    let refused = PeerFailure::Refused { code: ErrorCode::SkillFailed, message };
    let table = [
        (refused, "refused", "no such word"),
        (PeerFailure::Unavailable, "unavailable", "the peer cannot be reached now"),
        (PeerFailure::TooDeep, "denied", "the call was passed on too often already"),
        (PeerFailure::Deadline, "deadline", ""),
        (PeerFailure::NotJson, "other", "the input is not JSON"),
        (PeerFailure::Broken, "other", "the peer cannot be asked"),
    ];
    for (failure, name, why) in table {
        let code = matches!(failure, PeerFailure::Refused { .. }).then_some("SKILL_FAILED");
        let asking = asking(&Scripted::answering(Err(failure)), &["ADA/*"]);
        let told = asking.told(&calls([ask(&ADA, "quote")])).await;
        assert_eq!((told[0].error(), told[0].code.as_deref()), ((name, why), code));
    }
}

#[tokio::test]
async fn a_skill_that_fails_with_a_peers_error_does_not_pass_its_text_on() {
    let message = Text::sanitized("payroll of ada");
    let refused = PeerFailure::Refused { code: ErrorCode::UnknownSkill, message };
    let failures = [refused, PeerFailure::Unavailable, PeerFailure::Broken];
    let mut words = Vec::new();
    for failure in failures {
        let asking = asking(&Scripted::answering(Err(failure)), &["ADA/*"]);
        let outcome = Asking { skill: "rely", ..asking }.run(&ask(&ADA, "quote")).await;
        words.push(outcome.result.unwrap_err().public());
    }
    assert_eq!(words[0].as_str(), "unavailable: another agent that this skill needs gives no answer");
    assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
}

#[tokio::test]
async fn cancelling_a_call_cancels_its_delegated_call() {
    let peers = Arc::new(Scripted { waits: Some(Waits::default()), ..Scripted::default() });
    let waits = peers.waits.as_ref().unwrap();
    let asking = asking(&peers, &["ADA/*"]);
    let result = asking.cancelled(&waits.began, &calls([ask(&ADA, "quote")])).await;
    assert_eq!(result, Err(Stopped::Cancelled));
    assert!(waits.is_over());
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn a_peer_that_never_answers_ends_at_the_calls_deadline() {
    let peers = Arc::new(Scripted { waits: Some(Waits::default()), ..Scripted::default() });
    let asking = Asking { timeout: Duration::from_millis(150), ..asking(&peers, &["ADA/*"]) };
    assert_eq!(asking.run(&calls([ask(&ADA, "quote")])).await.result, Err(Stopped::Deadline));
    assert!(peers.waits.as_ref().unwrap().is_over());
}

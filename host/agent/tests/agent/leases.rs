//! Trust that ends by itself: by time, by use, by conduct.

use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, ManualClock};
use coworker_api::ops::{
    Call, Decision, Ends, TrustAccept, TrustList, TrustLog, TrustLogEntry, TrustRequests, TrustSet, Trusted,
};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use tokio::time::timeout;

use crate::guest::{plain, spins};
use crate::harness::{BOUND, SECONDS, Town, log, set_tier, until};
use crate::stranger::{Stranger, request};

const UNKNOWN: (ErrorCode, &str) = (ErrorCode::UnknownSkill, "unknown skill");

async fn town(skill: &[u8], from: Tier) -> (Town, Agent, Stranger) {
    with_skill(Town::new(), skill, from).await
}

async fn town_with_clock(skill: &[u8], from: Tier) -> (Town, Agent, Stranger, ManualClock) {
    let (town, hand) = Town::with_manual_clock();
    let (town, ada, eve) = with_skill(town, skill, from).await;
    (town, ada, eve, hand)
}

async fn with_skill(town: Town, skill: &[u8], from: Tier) -> (Town, Agent, Stranger) {
    let ada = town.open("ada").await;
    town.install(&ada, skill, Some(from)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    (town, ada, eve)
}

async fn lease(agent: &Agent, peer: PeerId, tier: Tier, ends: Ends) -> Trusted {
    let reason = Text::sanitized("the workshop");
    TrustSet { peer: peer.to_string(), tier, ends, reason }.run(agent).await.unwrap()
}

const fn span(ms: u64) -> Ends {
    Ends { span_ms: Some(ms), calls: None, goal: false }
}

const fn calls(calls: u64) -> Ends {
    Ends { span_ms: None, calls: Some(calls), goal: false }
}

async fn trust(agent: &Agent) -> Decision {
    TrustList {}.run(agent).await.unwrap().remove(0)
}

async fn trust_log(agent: &Agent) -> Vec<TrustLogEntry> {
    TrustLog { peer: None, limit: 100 }.run(agent).await.unwrap()
}

/// Oldest first: before, after, why.
async fn changes(agent: &Agent) -> Vec<(Tier, Tier, String)> {
    let entries = trust_log(agent).await.into_iter().rev();
    entries.map(|entry| (entry.before, entry.after, entry.reason)).collect()
}

fn refusal(answer: Message) -> (ErrorCode, String) {
    match answer {
        Message::TaskError { code, message, .. } => (code, message.to_string()),
        other => panic!("{other:?}"),
    }
}

fn is_unknown(answer: Message) -> bool {
    let (code, message) = refusal(answer);
    (code, message.as_str()) == UNKNOWN
}

fn kept_end(town: &Town) -> Option<i64> {
    town.in_transaction("ada", |tx| Ok(tx.trust_rows()?.iter().find_map(|kept| kept.trust.lease()?.until_ms)))
}

async fn start(town: &Town, eve: &mut Stranger) {
    let id = RequestId::random();
    eve.send(&request(id, "spins", "null"));
    until("the call runs", async || town.count("ada", "call_permitted", &id.to_string()) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_that_ends_stops_the_call_that_runs() {
    let (town, ada, mut eve, hand) = town_with_clock(&spins(), Tier::Internal).await;
    set_tier(&ada, eve.id, Tier::Known).await;
    let trusted = lease(&ada, eve.id, Tier::Internal, span(2_000)).await;
    assert_eq!((trusted.before, trusted.tier), (Tier::Known, Tier::Internal));
    let given = trusted.lease.unwrap();
    assert_eq!((given.then, given.calls_left), (Tier::Known, None));
    start(&town, &mut eve).await;
    hand.advance(Duration::from_millis(1_999));
    assert!(trust(&ada).await.lease.is_some());
    hand.advance(Duration::from_millis(1));

    assert!(is_unknown(timeout(BOUND, eve.read()).await.expect("the call goes on")));
    let now = trust(&ada).await;
    assert_eq!((now.tier, now.lease.is_none()), (Tier::Known, true));
    let expected = [
        (Tier::Untrusted, Tier::Known, "owner".to_owned()),
        (Tier::Known, Tier::Internal, "owner".to_owned()),
        (Tier::Internal, Tier::Known, "lease_time".to_owned()),
    ];
    assert_eq!(changes(&ada).await, expected);
    assert_eq!(trust_log(&ada).await[1].note, "for 2 s; the workshop");
    let entries = log(&ada).await;
    let ended = entries.iter().find(|entry| entry.event == "trust_changed").unwrap();
    assert_eq!(Some(ended.at_ms), given.until_ms);
    assert_eq!(ended.detail.as_ref().unwrap()["cause"], "lease_time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_earlier_end_is_kept_also_if_a_later_one_was_waited_for() {
    let (town, ada, mut eve, hand) = town_with_clock(&spins(), Tier::Internal).await;
    lease(&ada, eve.id, Tier::Internal, span(3_600_000)).await;
    start(&town, &mut eve).await;
    lease(&ada, eve.id, Tier::Internal, span(50)).await;
    hand.advance(Duration::from_millis(50));
    assert!(is_unknown(timeout(BOUND, eve.read()).await.expect("the call goes on")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_by_calls_is_worth_exactly_so_many_however_they_come() {
    const LEASED: u64 = 5;
    let (town, ada, mut eve) = town(&plain(), Tier::Internal).await;
    lease(&ada, eve.id, Tier::Internal, calls(LEASED)).await;
    for n in 0..12 {
        eve.send(&request(RequestId::random(), "plain", &n.to_string()));
    }
    let mut served = 0;
    for _ in 0..12 {
        match timeout(BOUND, eve.read()).await.unwrap() {
            Message::TaskResponse { .. } => served += 1,
            refused => assert!(is_unknown(refused)),
        }
    }
    assert_eq!(served, LEASED);
    let rows = town.audit_rows("ada");
    assert_eq!(rows.iter().filter(|row| row.event == "call_permitted").count(), 5);
    assert_eq!(trust(&ada).await.tier, Tier::Untrusted);
    assert!(changes(&ada).await.contains(&(Tier::Internal, Tier::Untrusted, "lease_calls".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_twice_counts_once_and_refused_ones_not_at_all() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    lease(&ada, eve.id, Tier::Known, calls(2)).await;
    let once = request(RequestId::random(), "plain", "1");
    assert!(matches!(eve.ask(&once).await, Message::TaskResponse { .. }));
    assert!(matches!(eve.ask(&once).await, Message::TaskResponse { .. }), "the same answer again");
    assert!(is_unknown(eve.call("none", "1").await));
    assert_eq!(trust(&ada).await.lease.unwrap().calls_left, Some(1));
    assert!(matches!(eve.call("plain", "2").await, Message::TaskResponse { .. }));
    assert!(is_unknown(eve.call("plain", "3").await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_call_of_a_lease_runs_on_and_the_owner_can_still_stop_it() {
    let (town, ada, mut eve) = town(&spins(), Tier::Internal).await;
    lease(&ada, eve.id, Tier::Internal, calls(1)).await;
    start(&town, &mut eve).await;
    assert_eq!(trust(&ada).await.tier, Tier::Untrusted);
    eve.expect_silence().await;
    // The call keeps the tier that it was judged by; a later call of the peer is refused and changes nothing.
    assert!(is_unknown(eve.call("spins", "null").await));
    eve.expect_silence().await;
    set_tier(&ada, eve.id, Tier::Internal).await;
    set_tier(&ada, eve.id, Tier::Untrusted).await;
    assert!(is_unknown(timeout(BOUND, eve.read()).await.expect("the call goes on")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ended_while_the_agent_was_down_has_ended() {
    let (town, ada, eve, hand) = town_with_clock(&plain(), Tier::Known).await;
    lease(&ada, eve.id, Tier::Internal, span(300)).await;
    ada.close().await;
    drop(ada);
    assert!(kept_end(&town).is_some());
    hand.advance(Duration::from_millis(300));
    let ada = town.open("ada").await;
    assert_eq!(kept_end(&town), None, "for good, whatever the clock says later");
    assert_eq!((trust(&ada).await.tier, trust(&ada).await.lease.is_none()), (Tier::Untrusted, true));
    assert_eq!(changes(&ada).await[1].2, "lease_time");
    assert_eq!(town.audit_rows("ada").last().unwrap().event, "trust_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_lives_through_a_restart() {
    let (town, ada, mut eve) = town(&plain(), Tier::Internal).await;
    lease(&ada, eve.id, Tier::Internal, Ends { span_ms: Some(3_600_000), calls: Some(2), goal: false }).await;
    assert!(matches!(eve.call("plain", "1").await, Message::TaskResponse { .. }));
    let ada = town.restart("ada", ada).await;
    let left = trust(&ada).await.lease.unwrap();
    assert_eq!((left.calls_left, left.then), (Some(1), Tier::Untrusted));
    eve.hear_the_end().await;
    eve.resume(ada.peer_id()).await;
    assert!(matches!(eve.call("plain", "2").await, Message::TaskResponse { .. }));
    assert!(is_unknown(eve.call("plain", "3").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_accepted_for_a_while() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    let reason = Text::sanitized("please");
    eve.send(&Message::TrustRequest { id: RequestId::random(), tier: Tier::Internal, reason });
    until("the request comes", async || !TrustRequests {}.run(&ada).await.unwrap().is_empty()).await;
    let accept = |ends| {
        let (peer, reason) = (eve.id.to_string(), Text::sanitized("for the audit"));
        TrustAccept { peer, tier: None, ends, reason }.run(&ada)
    };
    assert_eq!(accept(calls(0)).await.unwrap_err().code, ErrorCode::Usage);
    let answered = accept(calls(3)).await.unwrap();
    assert_eq!((answered.tier, answered.lease.unwrap().calls_left), (Tier::Internal, Some(3)));
    assert!(matches!(eve.read().await, Message::TrustGrant { tier: Tier::Internal, .. }));
    let entry = trust_log(&ada).await.remove(0);
    assert_eq!((entry.reason.as_str(), entry.note.as_str()), ("accepted", "for 3 calls; for the audit"));
    assert_eq!(entry.why, "the owner accepted its request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_bad_requests_in_a_row_cost_a_caller_one_step_and_its_running_calls() {
    let (town, ada, mut eve) = town(&spins(), Tier::Internal).await;
    set_tier(&ada, eve.id, Tier::Internal).await;
    start(&town, &mut eve).await;
    for _ in 0..2 {
        assert!(is_unknown(eve.call("none", "1").await));
    }
    // A call that passes every gate ends the series, also if it fails later.
    start(&town, &mut eve).await;
    for _ in 0..2 {
        assert!(is_unknown(eve.call("none", "1").await));
    }
    assert_eq!(trust(&ada).await.tier, Tier::Internal);
    assert_eq!(trust(&ada).await.faults_as_caller, 4);
    eve.send_bytes(format!(r#"{{"type":"task_request","id":"{}","skill":7}}"#, RequestId::random()).into());
    let mut stopped = 0;
    for _ in 0..3 {
        match timeout(BOUND, eve.read()).await.expect("the calls go on") {
            Message::Error { code, .. } => assert_eq!(code, ErrorCode::InvalidInput),
            refused => stopped += u32::from(is_unknown(refused)),
        }
    }
    assert_eq!(stopped, 2, "a step down stops what runs");
    assert_eq!(changes(&ada).await[1], (Tier::Internal, Tier::Known, "caller_row:malformed".into()));
    let entries = log(&ada).await;
    assert!(entries.iter().any(|entry| entry.event == "trust_changed" && entry.peer == Some(eve.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_bad_requests_in_all_cost_a_caller_everything() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    for n in 1..=10 {
        assert!(is_unknown(eve.call("none", "1").await));
        if n < 10 {
            assert!(matches!(eve.call("plain", "1").await, Message::TaskResponse { .. }), "{n}");
        }
    }
    assert_eq!(changes(&ada).await[1], (Tier::Privileged, Tier::Untrusted, "caller_all:refused".into()));
    assert!(is_unknown(eve.call("plain", "1").await));
    assert_eq!(trust(&ada).await.faults_as_caller, 10, "who has nothing left costs no more rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_newer_versions_and_conduct_of_strangers_are_not_counted() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    for _ in 0..4 {
        assert!(is_unknown(eve.call("none", "1").await));
    }
    assert!(TrustList {}.run(&ada).await.unwrap().is_empty());
    set_tier(&ada, eve.id, Tier::Known).await;
    for _ in 0..4 {
        let id = RequestId::random();
        eve.send_bytes(format!(r#"{{"type":"from_the_future","id":"{id}"}}"#).into());
        assert!(matches!(eve.read().await, Message::Error { code: ErrorCode::TrustTierTooLow, .. }));
    }
    assert_eq!((trust(&ada).await.tier, trust(&ada).await.faults_as_caller), (Tier::Known, 0));
}

/// Ada calls eve, and eve answers with `answer`.
async fn answers(ada: &Agent, eve: &mut Stranger, answer: impl FnOnce(RequestId) -> Vec<u8>) {
    let (peer, skill, input) = (eve.id.to_string(), "theirs".to_owned(), "1".to_owned());
    let call = Call { peer, skill, input, version: None, timeout: SECONDS };
    let calling = tokio::spawn({
        let ada = ada.clone();
        async move { call.run(&ada).await }
    });
    let Message::TaskRequest { id, .. } = eve.read().await else { panic!("no request") };
    eve.send_bytes(answer(id));
    eve.expect_silence().await;
    calling.abort();
}

fn fails(code: ErrorCode) -> impl FnOnce(RequestId) -> Vec<u8> {
    move |id| Message::TaskError { id, code, message: Text::sanitized("no") }.encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_skills_fail_loses_a_step() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    set_tier(&ada, eve.id, Tier::Privileged).await;
    for ours in
        [ErrorCode::UnknownSkill, ErrorCode::InvalidInput, ErrorCode::LimitExceeded, ErrorCode::Deadline]
    {
        answers(&ada, &mut eve, fails(ours)).await;
    }
    assert_eq!(trust(&ada).await.faults_as_provider, 0, "those may be our doing");
    for _ in 0..2 {
        answers(&ada, &mut eve, fails(ErrorCode::SkillFailed)).await;
    }
    let works = |id| Message::TaskResponse { id, output: serde_json::json!(1).into() }.encode();
    answers(&ada, &mut eve, works).await;
    answers(&ada, &mut eve, fails(ErrorCode::InvalidOutput)).await;
    answers(&ada, &mut eve, fails(ErrorCode::Internal)).await;
    assert_eq!(trust(&ada).await.tier, Tier::Privileged, "a good answer ends the row");
    let malformed = |id| format!(r#"{{"type":"task_response","id":"{id}"}}"#).into();
    answers(&ada, &mut eve, malformed).await;
    assert_eq!(trust(&ada).await.faults_as_provider, 5);
    assert_eq!(changes(&ada).await[1], (Tier::Privileged, Tier::Internal, "provider_row".into()));

    // Answers nobody asked for are no failures of ours.
    for _ in 0..5 {
        eve.send_bytes(fails(ErrorCode::SkillFailed)(RequestId::random()));
    }
    eve.expect_silence().await;
    assert_eq!(trust(&ada).await.faults_as_provider, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_s_next_decision_forgives() {
    let (_town, ada, mut eve) = town(&plain(), Tier::Known).await;
    set_tier(&ada, eve.id, Tier::Internal).await;
    for _ in 0..2 {
        assert!(is_unknown(eve.call("none", "1").await));
    }
    set_tier(&ada, eve.id, Tier::Internal).await;
    assert!(is_unknown(eve.call("none", "1").await));
    assert_eq!((trust(&ada).await.tier, trust(&ada).await.faults_as_caller), (Tier::Internal, 1));
    let kept: Vec<_> = changes(&ada).await.into_iter().map(|(before, after, _)| (before, after)).collect();
    assert_eq!(kept, [(Tier::Untrusted, Tier::Internal), (Tier::Internal, Tier::Internal)]);
}

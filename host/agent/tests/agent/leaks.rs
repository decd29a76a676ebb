//! The leak guard on the path of a call: the private text of a component does not leave, however a caller asks for
//! it.

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, pack};
use coworker_api::ApiError;
use coworker_api::ops::{
    Call, Discover, GoalBegin, GoalPhase, GoalPlan, GoalWatch, SkillConfigure, SkillRun, StepPhase,
};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId, Tier};
use serde_json::{Value, json};

use crate::guest::talks;
use crate::harness::{SECONDS, Town, call, connect, log, set_tier, until};
use crate::stranger::{Stranger, request};

/// 40 words of five letters.
fn text() -> String {
    let word = |n: u8| ['w', char::from(b'a' + n / 26), char::from(b'a' + n % 26), 'a', 'b', ' '];
    (0..40).flat_map(word).collect()
}

/// The guest with its text as an asset.
fn packed() -> Vec<u8> {
    let assets = tempfile::tempdir().unwrap();
    std::fs::write(assets.path().join("prompt.md"), text()).unwrap();
    std::fs::write(assets.path().join("logo.png"), [0x89, 0xff, 0xfe]).unwrap();
    pack(&talks(&text()), None, assets.path()).unwrap()
}

async fn pair() -> (Town, Agent, Agent) {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &packed(), Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    (town, ada, bob)
}

async fn ask(bob: &Agent, ada: &Agent, what: &str) -> Result<Value, ApiError> {
    call(bob, ada.peer_id(), "talks", &json!(what).to_string()).await.map(|called| called.output)
}

fn withheld(error: &ApiError) {
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Withheld, "the answer was withheld"));
}

async fn leak_words(ada: &Agent, words: u64) {
    let (name, key) = ("talks".to_owned(), "leak_words".to_owned());
    let limit = SkillConfigure::Limit { name, tier: Tier::Known, key, value: Some(words) };
    limit.run(ada).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_was_packed_with_does_not_leave() {
    let (_town, ada, bob) = pair().await;
    for how in ["001", "122", "003"] {
        withheld(&ask(&bob, &ada, how).await.unwrap_err());
    }
    // The owner sees it, and sees the answer that a peer would get.
    let run = |tier| SkillRun { name: "talks".into(), input: json!("001").to_string(), tier };
    assert_eq!(run(None).run(&ada).await.unwrap().output, json!(&text()[..119]));
    withheld(&run(Some(Tier::Known)).run(&ada).await.unwrap_err());

    let log = log(&ada).await;
    let found: Vec<_> = log.iter().filter(|row| row.event == "leak_found").collect();
    assert_eq!(found.len(), 4, "{found:?}");
    let all = serde_json::to_string(&log).unwrap();
    assert!(!text().split(' ').take(40).any(|word| all.contains(word)), "{all}");
}

/// A caller that may not see the skill gets no further than before.
#[tokio::test(flavor = "multi_thread")]
async fn a_skill_that_is_not_seen_withholds_nothing() {
    let (_town, ada, bob) = pair().await;
    set_tier(&ada, bob.peer_id(), Tier::Untrusted).await;
    assert_eq!(ask(&bob, &ada, "001").await.unwrap_err().code, ErrorCode::UnknownSkill);
    assert!(log(&ada).await.iter().all(|row| row.event != "leak_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn short_runs_add_up_over_calls_restarts_and_skills() {
    let (town, ada, bob) = pair().await;
    leak_words(&ada, 12).await;
    assert_eq!(ask(&bob, &ada, "000").await.unwrap(), json!(&text()[..29]));
    assert_eq!(
        ask(&bob, &ada, "000").await.unwrap(),
        json!(&text()[..29]),
        "the same words again are no new ones"
    );
    assert!(ask(&bob, &ada, "100").await.is_ok());
    withheld(&ask(&bob, &ada, "200").await.unwrap_err());

    let ada = town.restart("ada", ada).await;
    connect(&bob, &ada).await;
    withheld(&ask(&bob, &ada, "200").await.unwrap_err());
    let rows = log(&ada).await;
    let found = rows.iter().find(|row| row.event == "leak_found").unwrap();
    assert_eq!(
        found.detail.as_ref().unwrap()["mend"],
        "coworker skill configure talks --limit known.leak_words=24"
    );
    leak_words(&ada, 24).await;
    assert!(ask(&bob, &ada, "200").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_draw_on_one_budget() {
    let (_town, ada, bob) = pair().await;
    leak_words(&ada, 12).await;
    let pieces = ["000", "050", "100", "150", "200", "250"];
    let calls = pieces.map(|piece| {
        let (bob, ada) = (bob.clone(), ada.clone());
        tokio::spawn(async move { ask(&bob, &ada, piece).await.is_ok() })
    });
    let mut answered = 0;
    for call in calls {
        answered += usize::from(call.await.unwrap());
    }
    assert_eq!(answered, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_that_left_are_drawn_though_the_call_was_cancelled() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &packed(), Some(Tier::Known)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Known).await;
    let id = RequestId::random();
    eve.send(&request(id, "talks", r#""004""#));
    let part = eve.read().await;
    assert!(matches!(&part, Message::TaskPartial { part, .. } if *part == text()[..30]), "{part:?}");
    eve.send(&Message::TaskCancel { id });
    until("it has ended", async || town.count("ada", "call_finished", &id.to_string()) == 1).await;
    ada.close().await;
    let lineage = town.in_transaction("ada", |tx| Ok(tx.lineages()?.remove(0).1));
    assert_eq!(town.in_transaction("ada", |tx| tx.disclosed(eve.id, &lineage)).words(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_day_are_counted_for_every_skill() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &crate::guest::roomy(), Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    let (name, key) = ("plain".to_owned(), "output_mib_per_day".to_owned());
    let limit = SkillConfigure::Limit { name, tier: Tier::Known, key, value: Some(1) };
    limit.run(&ada).await.unwrap();
    let input = json!("x".repeat(200 * 1024)).to_string();
    let mut codes = Vec::new();
    for _ in 0..6 {
        let (peer, skill, input) = (ada.peer_id().to_string(), "plain".to_owned(), input.clone());
        let called = Call { peer, skill, input, version: None, timeout: SECONDS }.run(&bob).await;
        codes.push(called.err().map(|error| error.code));
    }
    assert_eq!(codes, [None, None, None, None, None, Some(ErrorCode::LimitExceeded)]);
}

/// The owner runs it, and peers get its result.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_the_owner_s_own_with_private_text_feeds_nobody() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &packed(), None).await;
    town.install(&bob, &crate::guest::plain(), Some(Tier::Known)).await;
    ada.serve().await.unwrap();
    bob.serve().await.unwrap();
    connect(&ada, &bob).await;
    set_tier(&bob, ada.peer_id(), Tier::Internal).await;
    let peer = bob.peer_id().to_string();
    Discover { peer: peer.clone(), timeout: SECONDS }.run(&ada).await.unwrap();
    let step = |id, agent, skill, input| json!({ "id": id, "key_result": "all", "agent": agent, "skill": skill, "input": input });
    let steps = [
        step("mine", "me", "talks", json!("001")),
        step("theirs", "bob", "plain", json!({ "$from": "mine", "at": "" })),
    ];
    let key_results = [json!({ "id": "all", "text": "All of it." })];
    let plan = json!({ "objective": "Say it", "key_results": key_results, "steps": steps }).to_string();
    let (peers, goal, plan) = (vec![peer], String::new(), Some(plan));
    let planned =
        GoalPlan { peers, goal, input: None, plan, no_model: true, timeout: 1.0 }.run(&ada).await.unwrap();
    let begin = GoalBegin {
        plan: planned.plan,
        input: planned.input,
        group: None,
        asked: None,
        detach: false,
        timeout: 1.0,
    };
    let id = begin.run(&ada).await.unwrap().id.to_string();
    let info = GoalWatch { id }.run(&ada).await.unwrap();
    let mine = info.steps.iter().find(|step| step.id.as_str() == "mine").unwrap();
    assert_eq!((info.state, mine.state), (GoalPhase::Failed, StepPhase::Failed));
    assert_eq!(mine.why.as_ref().unwrap().code, ErrorCode::Withheld, "{mine:?}");
    assert!(log(&ada).await.iter().any(|row| row.event == "leak_found"));
    assert!(town.audit_rows("bob").iter().all(|row| row.event != "call_finished"));
}

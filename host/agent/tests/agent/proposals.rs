//! Proposals that an honest agent would not make, and messages about goals from peers that are not part of them.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{GoalAnswer, GoalBrief, GoalList, GoalPhase, GoalShow, PeerAnswer, TrustList};
use coworker_channel::{GoalOutcome, GoalStep, KeyResultCount, Message, PartOf, PlanNews};
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use coworker_store::{
    Goal, GoalParty, GoalShare, GoalShareState, GoalState, GoalStep as Row, Outbound, OutboundState,
    PartyState,
};
use serde_json::{Value, json};

use crate::guest::{plain, traps};
use crate::harness::{Town, connect, set_tier};
use crate::stranger::Stranger;

/// ada shows `plain` to KNOWN and hides `traps`; eve is as `tier` says.
async fn besieged(tier: Tier) -> (Town, Agent, Stranger) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    town.install(&ada, &traps(), None).await;
    ada.serve().await.unwrap();
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, tier).await;
    (town, ada, eve)
}

fn step(id: &str, skill: &str, after: &[&str]) -> Value {
    json!({ "id": id, "key_result": "all", "skill": skill, "after": after })
}

fn offer(steps: &[Value]) -> Value {
    json!({ "objective": "Mischief", "key_results": [{ "id": "all", "text": "" }], "steps": steps })
}

fn propose(goal: RequestId, offer: &Value) -> Message {
    Message::Plan { id: RequestId::random(), goal, news: PlanNews::Propose { offer: offer.to_string() } }
}

async fn answer(eve: &mut Stranger, goal: RequestId, offer: &Value) -> PlanNews {
    match eve.ask(&propose(goal, offer)).await {
        Message::Plan { goal: answered, news, .. } if answered == goal => news,
        other => panic!("{other:?}"),
    }
}

async fn goals(of: &Agent) -> Vec<GoalBrief> {
    GoalList { all: true }.run(of).await.unwrap()
}

async fn tier(of: &Agent, peer: PeerId) -> Tier {
    let decisions = TrustList {}.run(of).await.unwrap();
    decisions.iter().find(|decision| decision.peer == peer).map_or(Tier::Untrusted, |decision| decision.tier)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proposal_with_a_skill_that_is_not_the_senders_to_call_is_refused_in_the_same_words() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let one = |skill: &str| offer(&[step("a", skill, &[])]);
    let versioned = json!({ "id": "b", "key_result": "all", "skill": "plain", "version": "^9" });
    let offers = [
        one("traps"),
        one("nothing"),
        one("about"),
        offer(&[step("a", "plain", &[]), step("b", "traps", &["a"])]),
        offer(&[step("a", "nothing", &[]), step("b", "plain", &["a"])]),
        offer(&[versioned, step("z", "traps", &[])]),
    ];
    let mut answers = Vec::new();
    for offer in &offers {
        set_tier(&ada, eve.id, Tier::Internal).await;
        let news = answer(&mut eve, RequestId::random(), offer).await;
        answers.push((news, eve.frame_length));
    }
    let no = PlanNews::Reject { code: ErrorCode::UnknownSkill, message: Text::sanitized("unknown skill") };
    assert_eq!(answers[0].0, no);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(goals(&ada).await.is_empty(), "nothing is kept of them");
    assert!(town.audit_rows("ada").iter().all(|row| row.event != "call_permitted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_offer_is_refused_in_the_same_words_whatever_is_wrong_with_it() {
    let (_town, ada, mut eve) = besieged(Tier::Internal).await;
    let many: Vec<_> = (0..65).map(|n| step(&format!("s{n}"), "plain", &[])).collect();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    for bad in [
        json!(7),
        json!({}),
        offer(&[]),
        offer(&many),
        offer(&[step("a", "plain", &["b"]), step("b", "plain", &["a"])]),
        offer(&[step("a", "plain", &["a"])]),
        offer(&[step("a", "plain", &["nowhere"])]),
        offer(&[step("a", "plain", &[]), step("a", "plain", &[])]),
        offer(&[json!({ "id": "a", "key_result": "other", "skill": "plain" })]),
        offer(&[json!({ "id": "Not an id", "key_result": "all", "skill": "plain" })]),
        json!({ "objective": deep, "key_results": [], "steps": [] }),
    ] {
        set_tier(&ada, eve.id, Tier::Internal).await;
        let no = PlanNews::Reject {
            code: ErrorCode::InvalidInput,
            message: Text::sanitized("the offer is not valid"),
        };
        let shown: String = bad.to_string().chars().take(100).collect();
        assert_eq!(answer(&mut eve, RequestId::random(), &bad).await, no, "{shown}");
    }
    assert!(goals(&ada).await.is_empty());
    // A peer that continues like this loses trust.
    for _ in 0..3 {
        answer(&mut eve, RequestId::random(), &json!(7)).await;
    }
    assert_eq!(tier(&ada, eve.id).await, Tier::Known);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_propose_and_peers_not_without_end() {
    let (_town, ada, mut eve) = besieged(Tier::Untrusted).await;
    let good = offer(&[step("a", "plain", &[])]);
    let refused = eve.ask(&propose(RequestId::random(), &good)).await;
    assert!(matches!(refused, Message::Error { code: ErrorCode::TrustTierTooLow, .. }), "{refused:?}");
    set_tier(&ada, eve.id, Tier::Internal).await;
    let goal = RequestId::random();
    assert_eq!(answer(&mut eve, goal, &good).await, PlanNews::Accept);
    assert_eq!(answer(&mut eve, goal, &good).await, PlanNews::Accept, "the same again");
    let other = offer(&[step("b", "plain", &[])]);
    assert!(matches!(answer(&mut eve, goal, &other).await, PlanNews::Reject { .. }), "one name, one offer");
    for _ in 1..16 {
        assert_eq!(answer(&mut eve, RequestId::random(), &good).await, PlanNews::Accept);
    }
    let PlanNews::Reject { code, .. } = answer(&mut eve, RequestId::random(), &good).await else { panic!() };
    assert_eq!(code, ErrorCode::LimitExceeded);
    assert_eq!(goals(&ada).await.len(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_goals_by_who_is_no_party_changes_nothing() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let bob = town.open("bob").await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Internal).await;
    // A goal of bob's that waits at ada, and one that ada has with nobody.
    let goal = RequestId::random();
    town.in_transaction("ada", |tx| {
        tx.add_goal_share(&GoalShare {
            peer: bob.peer_id(),
            goal,
            proposal: RequestId::random(),
            offer: offer(&[step("a", "plain", &[])]).to_string(),
            state: GoalShareState::Accepted,
            at_ms: 1,
            expires_ms: i64::MAX,
            done_ms: None,
        })
    });
    let count = KeyResultCount { id: "all".parse().unwrap(), done: 1, of: 1 };
    for goal in [goal, RequestId::random()] {
        for news in [
            PlanNews::Accept,
            PlanNews::Reject { code: ErrorCode::Internal, message: Text::default() },
            PlanNews::Progress { key_results: vec![count.clone()] },
            PlanNews::Complete { outcome: GoalOutcome::Done },
        ] {
            eve.send(&Message::Plan { id: RequestId::random(), goal, news });
        }
    }
    assert!(matches!(eve.ask(&Message::Ping { id: RequestId::random() }).await, Message::Pong { .. }));
    let kept = goals(&ada).await;
    assert_eq!((kept.len(), kept[0].state), (1, GoalPhase::Accepted));
    assert_eq!(tier(&ada, eve.id).await, Tier::Internal);
    assert_eq!(tier(&ada, bob.peer_id()).await, Tier::Internal);
    assert!(!town.audit_rows("ada").iter().any(|row| row.event.starts_with("goal_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_counts_only_for_a_goal_that_was_agreed_with_its_sender() {
    let (_town, ada, mut eve) = besieged(Tier::Internal).await;
    let goal = RequestId::random();
    let good = offer(&[step("a", "plain", &[]), step("b", "plain", &["a"])]);
    assert_eq!(answer(&mut eve, goal, &good).await, PlanNews::Accept);
    let tagged = |goal: RequestId, step: &str| Message::TaskRequest {
        id: RequestId::random(),
        skill: "plain".into(),
        input: "1".into(),
        timeout_ms: None,
        expires_ms: None,
        version: None,
        part_of: PartOf { goal: Some(GoalStep { goal, step: step.parse().unwrap() }), delegation: None },
    };
    for (of, step, done, told) in [
        (RequestId::random(), "a", 0, false),
        (goal, "nowhere", 0, false),
        (goal, "a", 1, true),
        (goal, "a", 1, false),
        (goal, "b", 2, true),
    ] {
        let answer = eve.ask(&tagged(of, step)).await;
        assert!(matches!(answer, Message::TaskResponse { .. }), "served as any other: {answer:?}");
        assert_eq!(goals(&ada).await[0].done, done, "{step}");
        if told {
            let Message::Plan { news: PlanNews::Progress { key_results }, .. } = eve.read().await else {
                panic!()
            };
            assert_eq!((key_results[0].done as usize, key_results[0].of), (done, 2));
        }
        eve.expect_silence().await;
    }
    for outcome in [GoalOutcome::Done, GoalOutcome::Failed] {
        eve.send(&Message::Plan { id: RequestId::random(), goal, news: PlanNews::Complete { outcome } });
    }
    assert!(matches!(eve.ask(&Message::Ping { id: RequestId::random() }).await, Message::Pong { .. }));
    assert_eq!(goals(&ada).await[0].state, GoalPhase::Done, "the first word counts");
    assert_eq!(tier(&ada, eve.id).await, Tier::Known, "one step, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_comes_after_the_end_is_told_of_it_and_counts_once() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let goal = RequestId::random();
    let row = Goal {
        id: goal,
        objective: "Given up".into(),
        plan: "{}".into(),
        shown: "[]".into(),
        input: "null".into(),
        group: None,
        state: GoalState::Cancelled,
        why: None,
        at_ms: 1,
        expires_ms: i64::MAX,
        done_ms: Some(i64::MAX),
    };
    let proposal = RequestId::random();
    let party = GoalParty { peer: eve.id, proposal, state: PartyState::Asked, why: None, reported: None };
    town.in_transaction("ada", |tx| tx.add_goal(&row, &[party], &[]));
    let yes = Message::Plan { id: RequestId::random(), goal, news: PlanNews::Accept };
    let Message::Plan { news, .. } = eve.ask(&yes).await else { panic!() };
    assert_eq!(news, PlanNews::Complete { outcome: GoalOutcome::Cancelled });
    assert_eq!(tier(&ada, eve.id).await, Tier::Known);
    set_tier(&ada, eve.id, Tier::Internal).await;
    eve.send(&yes);
    eve.expect_silence().await;
    assert_eq!(tier(&ada, eve.id).await, Tier::Internal, "once");
}

/// A goal of eve's that ended.
fn ended(of: PeerId, at_ms: i64) -> GoalShare {
    GoalShare {
        peer: of,
        goal: RequestId::random(),
        proposal: RequestId::random(),
        offer: offer(&[step("a", "plain", &[])]).to_string(),
        state: GoalShareState::Cancelled,
        at_ms,
        expires_ms: i64::MAX,
        done_ms: Some(i64::MAX),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_its_goals_at_once_cannot_fill_the_disk_with_them() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let good = offer(&[step("a", "plain", &[])]);
    town.in_transaction("ada", |tx| (0..150).try_for_each(|n| tx.add_goal_share(&ended(eve.id, n))));
    assert_eq!(answer(&mut eve, RequestId::random(), &good).await, PlanNews::Accept);
    assert_eq!(goals(&ada).await.len(), 101, "the newest are kept, and the open one");
    town.in_transaction("ada", |tx| {
        (0..100).try_for_each(|n| tx.add_goal_share(&ended(eve.id, i64::MAX - n)))
    });
    let PlanNews::Reject { code, .. } = answer(&mut eve, RequestId::random(), &good).await else { panic!() };
    assert_eq!(code, ErrorCode::LimitExceeded, "so many today");
    assert_eq!(goals(&ada).await.iter().filter(|goal| goal.state.is_open()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_an_offer_is_what_was_understood_of_it() {
    let (town, _ada, mut eve) = besieged(Tier::Internal).await;
    let good = offer(&[step("a", "plain", &[])]);
    let mut stuffed = good.clone();
    stuffed["junk"] = json!("x".repeat(100_000));
    let goal = RequestId::random();
    for offer in [&stuffed, &good] {
        assert_eq!(answer(&mut eve, goal, offer).await, PlanNews::Accept, "they say the same");
    }
    let kept = town.in_transaction("ada", |tx| tx.goal_share(eve.id, goal)).unwrap();
    assert!(kept.offer.len() < 1000, "{}", kept.offer.len());
}

/// A goal of ada's that runs, with one step at `with`.
fn own_goal(town: &Town, with: PeerId) -> RequestId {
    let id = RequestId::random();
    let one = json!({ "id": "one", "key_result": "all", "agent": with, "skill": "plain", "input": 1 });
    let key_results = json!([{ "id": "all", "text": "" }]);
    let plan = json!({ "objective": "Mine", "key_results": key_results, "steps": [one] });
    let row = Goal {
        id,
        objective: "Mine".into(),
        plan: plan.to_string(),
        shown: "[]".into(),
        input: "null".into(),
        group: None,
        state: GoalState::Running,
        why: None,
        at_ms: 1,
        expires_ms: i64::MAX,
        done_ms: None,
    };
    let proposal = RequestId::random();
    let party = GoalParty { peer: with, proposal, state: PartyState::Accepted, why: None, reported: None };
    town.in_transaction("ada", |tx| tx.add_goal(&row, &[party], &[Row::new(0, "one".into())]));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_is_named_like_one_of_ours_does_not_hide_ours() {
    let (town, ada, mut eve) = besieged(Tier::Known).await;
    let id = own_goal(&town, eve.id);
    eve.send(&propose(id, &offer(&[step("a", "plain", &[])])));
    assert!(matches!(eve.ask(&Message::Ping { id: RequestId::random() }).await, Message::Pong { .. }));
    assert_eq!(goals(&ada).await.len(), 2);
    let show = async |id: String| GoalShow { id }.run(&ada).await;
    assert_eq!(show(id.to_string()).await.unwrap().objective.as_str(), "Mine");
    let short = &id.to_string()[..8];
    let either = show(short.to_owned()).await.unwrap_err();
    let theirs = format!("{id}@{}", eve.id);
    assert!(coworker_api::Hint::join(&either.hints, None).contains(&theirs));
    assert_eq!(show(theirs.clone()).await.unwrap().objective.as_str(), "Mischief");
    let denied = GoalAnswer { id: theirs, accept: false }.run(&ada).await.unwrap();
    assert_eq!((denied.state, denied.objective.as_str()), (GoalPhase::Denied, "Mischief"));
    assert!(show(id.to_string()).await.unwrap().state.is_open(), "ours goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_boasts_of_its_progress_changes_nothing() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let goal = own_goal(&town, eve.id);
    let count = KeyResultCount { id: "all".parse().unwrap(), done: u32::MAX, of: 0 };
    for news in [
        PlanNews::Progress { key_results: vec![count; 16] },
        PlanNews::Reject { code: ErrorCode::Internal, message: Text::sanitized("not any more") },
        PlanNews::Complete { outcome: GoalOutcome::Done },
        PlanNews::Accept,
    ] {
        eve.send(&Message::Plan { id: RequestId::random(), goal, news });
    }
    assert!(matches!(eve.ask(&Message::Ping { id: RequestId::random() }).await, Message::Pong { .. }));
    let info = GoalShow { id: goal.to_string() }.run(&ada).await.unwrap();
    assert_eq!((info.state, info.key_results[0].done), (GoalPhase::Running, 0));
    assert_eq!((info.peers[0].reported, info.peers[0].answer), (Some(1), Some(PeerAnswer::Accepted)));
    assert_eq!(tier(&ada, eve.id).await, Tier::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_the_first_answer_of_the_peer_that_was_asked() {
    let (town, ada, mut eve) = besieged(Tier::Internal).await;
    let mut mallory = Stranger::new(&town.hub, "mallory");
    mallory.meet(ada.peer_id()).await;
    let id = RequestId::random();
    let asked = Outbound {
        id,
        peer: eve.id,
        skill: "plain".into(),
        input: "1".into(),
        state: OutboundState::Waiting,
        expires_ms: None,
        answer: None,
        at_ms: 1,
        done_ms: None,
    };
    town.in_transaction("ada", |tx| tx.add_outbound(&asked));
    let answer = |output: i32| Message::TaskResponse { id, output: (&json!(output)).into() };
    let kept = || town.in_transaction("ada", |tx| tx.outbound(id)).unwrap();
    let ping = || Message::Ping { id: RequestId::random() };
    mallory.send(&answer(0));
    assert!(matches!(mallory.ask(&ping()).await, Message::Pong { .. }));
    assert_eq!(kept().state, OutboundState::Waiting);
    for output in [1, 2] {
        eve.send(&answer(output));
    }
    assert!(matches!(eve.ask(&ping()).await, Message::Pong { .. }));
    assert_eq!((kept().state, kept().answer.as_deref()), (OutboundState::Done, Some("1")));
}

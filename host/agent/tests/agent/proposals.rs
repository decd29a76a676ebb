//! Proposals of goals that an honest agent would not make, and what is told of goals by who is no party.

use coworker_agent::Agent;
use coworker_agent::ops::{GoalBrief, GoalList, GoalPhase, Operation as _, TrustList};
use coworker_channel::{GoalOutcome, GoalStep, KeyResultCount, Message, PartOf, PlanNews, RequestId};
use coworker_policy::{ErrorCode, PeerId, Text, Tier};
use coworker_store::{Goal, GoalParty, GoalState, PartyState};
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
    // Who goes on like this is trusted less.
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
    town.at_desk("ada", |tx| {
        tx.add_goal_share(&coworker_store::GoalShare {
            peer: bob.peer_id(),
            goal: goal.to_string(),
            proposal: RequestId::random().to_string(),
            offer: offer(&[step("a", "plain", &[])]).to_string(),
            state: coworker_store::GoalShareState::Accepted,
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
        patience_ms: None,
        expires_ms: None,
        version: None,
        part_of: PartOf { goal: Some(GoalStep { goal, step: step.parse().unwrap() }), errand: None },
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
        id: goal.to_string(),
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
    let proposal = RequestId::random().to_string();
    let party = GoalParty { peer: eve.id, proposal, state: PartyState::Asked, why: None, reported: None };
    town.at_desk("ada", |tx| tx.add_goal(&row, &[party], &[]));
    let yes = Message::Plan { id: RequestId::random(), goal, news: PlanNews::Accept };
    let Message::Plan { news, .. } = eve.ask(&yes).await else { panic!() };
    assert_eq!(news, PlanNews::Complete { outcome: GoalOutcome::Cancelled });
    assert_eq!(tier(&ada, eve.id).await, Tier::Known);
    set_tier(&ada, eve.id, Tier::Internal).await;
    eve.send(&yes);
    eve.expect_silence().await;
    assert_eq!(tier(&ada, eve.id).await, Tier::Internal, "once");
}

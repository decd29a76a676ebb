//! Goals that several agents work on: each peer's view, and the fate of steps through restarts and failures.

use coworker_agent::ops::Run as _;
use coworker_api::ops::{
    GoalAnswer, GoalBegin, GoalCancel, GoalInfo, GoalList, GoalPhase, GoalShow, GoalWatch, PeerAnswer,
    SkillHide, StepPhase, TrustSet,
};
use coworker_api::plan::Plan;
use coworker_api::{CallObserver, Update};
use coworker_policy::{ErrorCode, RequestId, Text, Tier};
use coworker_store::{AuditFilter, GoalShare, GoalShareState, ReceiptFilter, ReceiptState};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::groups;
use crate::guest::{spins, traps};
use crate::harness::{set_tier, until};
use crate::trio::{
    SOON, Trio, begin, begin_for, diamond, finished, of, parted, phase, plan, request, show, step, tier,
    trio, until_phase, watch,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_over_two_agents_beside_a_branch_at_home_is_done_once_and_steps_trust_down() {
    let Trio { town, ada, bob, cy } = trio().await;
    let id = begin(&cy, &[&ada, &bob], &diamond()).await;
    let info = watch(&cy, &id).await;
    assert_eq!(info.state, GoalPhase::Done, "{info:?}");
    let text = json!("hello");
    assert_eq!(info.outputs.len(), 1, "what others take up is no output of the goal");
    assert_eq!(info.outputs.values().next(), Some(&json!({ "b": text, "c": { "text": text } })));
    assert_eq!((info.key_results[0].done, info.key_results[0].of), (4, 4));
    assert_eq!(info.cost.calls, 4);
    assert!(info.cost.fuel > 0 && info.steps.iter().all(|step| step.fuel.is_some_and(|fuel| fuel > 0)));
    assert!(info.peers.iter().all(|peer| peer.answer == Some(PeerAnswer::Accepted)));
    assert_eq!([finished(&town, "ada"), finished(&town, "bob"), finished(&town, "cy")], [2, 1, 1]);

    for peer in [&ada, &bob] {
        let short = &id[..8];
        until("the peer knows", async || show(peer, &id).await.state == GoalPhase::Done).await;
        for (of, about) in [(&cy, peer), (peer, &cy)] {
            assert_eq!(tier(of, about.peer_id()).await, Tier::Known);
            let parted = parted(of, about.peer_id()).await;
            let [(Tier::Internal, Tier::Known, reason, note)] = parted.as_slice() else {
                panic!("{parted:?}")
            };
            assert!(reason == "goal" && *note == format!("goal {short}: Say it again"), "{note}");
        }
        let receipts = town
            .in_transaction(if peer.peer_id() == ada.peer_id() { "ada" } else { "bob" }, |tx| {
                tx.receipts(&ReceiptFilter { limit: 9, ..ReceiptFilter::default() })
            });
        assert!(!receipts.is_empty());
    }
    until("all receipts are signed twice", async || {
        let all = town
            .in_transaction("cy", |tx| tx.receipts(&ReceiptFilter { limit: 9, ..ReceiptFilter::default() }));
        all.len() == 3 && all.iter().all(|row| row.state == ReceiptState::Complete)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_sees_its_own_steps_and_nothing_else() {
    let Trio { town: _town, ada, bob, cy } = trio().await;
    let id = begin(&cy, &[&ada, &bob], &diamond()).await;
    watch(&cy, &id).await;
    let at_bob = show(&bob, &id).await;
    let shown = serde_json::to_string(&at_bob).unwrap();
    assert_eq!(at_bob.steps.len(), 1);
    assert_eq!(at_bob.owner.unwrap().peer, cy.peer_id());
    for other in ["first", "mine", "last", "hello", "/text"] {
        assert!(!shown.contains(other), "{other}: {shown}");
    }
    let counts = (at_bob.key_results[0].done, at_bob.key_results[0].of);
    assert_eq!(counts, (1, 1), "of its own steps");
    until("cy hears of it", async || show(&cy, &id).await.peers.iter().any(|peer| peer.reported == Some(1)))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_waits_for_the_owner_of_a_peer_that_is_only_known() {
    let Trio { town, ada, cy, .. } = trio().await;
    set_tier(&ada, cy.peer_id(), Tier::Known).await;
    let plan = of(&[step("first", "ada", &json!(1))]);
    for accept in [false, true] {
        let id = begin(&cy, &[&ada], &plan).await;
        until("it waits", async || {
            GoalList { all: false }.run(&ada).await.unwrap().iter().any(|goal| goal.state == GoalPhase::Asked)
        })
        .await;
        let waiting = show(&cy, &id).await;
        assert_eq!((waiting.state, phase(&waiting, "first")), (GoalPhase::Proposed, StepPhase::Waiting));
        GoalAnswer { id: id.clone(), accept }.run(&ada).await.unwrap();
        let again = GoalAnswer { id: id.clone(), accept }.run(&ada).await.unwrap_err();
        assert_eq!(again.code, ErrorCode::Usage, "answered before");
        let info = watch(&cy, &id).await;
        if accept {
            assert_eq!(info.state, GoalPhase::Done);
        } else {
            let why = info.why.unwrap();
            assert_eq!((info.state, why.code), (GoalPhase::Failed, ErrorCode::Cancelled));
            assert_eq!(finished(&town, "ada"), 0);
            assert_eq!(tier(&cy, ada.peer_id()).await, Tier::Internal, "there was no goal that could end");
        }
    }
    assert_eq!(tier(&cy, ada.peer_id()).await, Tier::Known);
    assert!(parted(&ada, cy.peer_id()).await.is_empty(), "nobody goes below KNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_skips_the_steps_that_need_it_and_no_others() {
    let Trio { town, ada, bob, cy } = trio().await;
    town.install(&ada, &traps(), Some(Tier::Known)).await;
    let trap = json!({ "id": "trap", "key_result": "all", "agent": "ada", "skill": "traps", "input": 1 });
    let plan = of(&[
        trap,
        step("lost", "bob", &json!({ "$from": "trap", "at": "" })),
        step("lost-too", "me", &json!({ "$from": "lost", "at": "" })),
        step("kept", "bob", &json!(7)),
    ]);
    let id = begin(&cy, &[&ada, &bob], &plan).await;
    let info = watch(&cy, &id).await;
    assert_eq!(info.state, GoalPhase::Failed);
    assert!(info.why.as_ref().unwrap().message.as_str().starts_with("step trap: "));
    assert_eq!(phase(&info, "trap"), StepPhase::Failed);
    assert_eq!((phase(&info, "lost"), phase(&info, "lost-too")), (StepPhase::Skipped, StepPhase::Skipped));
    assert_eq!(phase(&info, "kept"), StepPhase::Done);
    assert_eq!(info.outputs.values().collect::<Vec<_>>(), [&json!(7)], "partial results are kept");
    assert_eq!(tier(&cy, bob.peer_id()).await, Tier::Known, "the work has ended, well or not");
    until("bob knows", async || show(&bob, &id).await.state == GoalPhase::Failed).await;
    assert_eq!(tier(&bob, cy.peer_id()).await, Tier::Known);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_that_was_taken_away_meanwhile_fails_its_step_at_the_gates() {
    let Trio { town, ada, cy, .. } = trio().await;
    let plan =
        of(&[step("mine", "me", &json!(1)), step("first", "ada", &json!([{ "$from": "mine", "at": "" }]))]);
    town.hub.set_reachable(ada.peer_id(), false);
    let id = begin(&cy, &[&ada], &plan).await;
    SkillHide { name: "plain".into() }.run(&ada).await.unwrap();
    town.hub.set_reachable(ada.peer_id(), true);
    let info = watch(&cy, &id).await;
    assert_eq!((info.state, info.why.unwrap().code), (GoalPhase::Failed, ErrorCode::UnknownSkill));
    assert_eq!(finished(&town, "cy"), 0, "nothing is done for a plan that not all agreed to");
}

/// Ends the process at each point that a goal can be at, and goes on in the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_goal_goes_on_wherever_its_owners_process_ended() {
    let Trio { town, ada, bob, cy } = trio().await;
    let mut cy = cy;
    for reachable in [vec![], vec![ada.peer_id()], vec![bob.peer_id()]] {
        for peer in [&ada, &bob] {
            set_tier(&cy, peer.peer_id(), Tier::Internal).await;
            set_tier(peer, cy.peer_id(), Tier::Internal).await;
        }
        let before = [finished(&town, "ada"), finished(&town, "bob"), finished(&town, "cy")];
        for peer in [&ada, &bob] {
            town.hub.set_reachable(peer.peer_id(), reachable.contains(&peer.peer_id()));
        }
        let id = begin(&cy, &[&ada, &bob], &diamond()).await;
        cy = town.restart("cy", cy).await;
        for peer in [&ada, &bob] {
            town.hub.set_reachable(peer.peer_id(), true);
        }
        until_phase(&cy, &id, "first", StepPhase::Done).await;
        cy = town.restart("cy", cy).await;
        until_phase(&cy, &id, "second", StepPhase::Done).await;
        cy = town.restart("cy", cy).await;
        let info = watch(&cy, &id).await;
        assert_eq!(info.state, GoalPhase::Done, "{info:?}");
        let after = [finished(&town, "ada"), finished(&town, "bob"), finished(&town, "cy")];
        assert_eq!(after, [before[0] + 2, before[1] + 1, before[2] + 1], "each step once");
        cy = town.restart("cy", cy).await;
        for peer in [&ada, &bob] {
            until("told", async || show(peer, &id).await.state == GoalPhase::Done).await;
            assert_eq!(tier(&cy, peer.peer_id()).await, Tier::Known);
            assert_eq!(tier(peer, cy.peer_id()).await, Tier::Known);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_runs_while_its_agent_ends_runs_again_and_counts_once() {
    let Trio { town, ada, cy, .. } = trio().await;
    town.install(&ada, &spins(), Some(Tier::Known)).await;
    let spin = json!({ "id": "spin", "key_result": "all", "agent": "ada", "skill": "spins", "input": 1 });
    let id = begin(&cy, &[&ada], &of(&[spin, step("first", "ada", &json!(2))])).await;
    until_phase(&cy, &id, "first", StepPhase::Done).await;
    let asked = request(&show(&cy, &id).await, "spin");
    until("it runs", async || town.count("ada", "call_permitted", &asked) == 1).await;
    let ada = town.restart("ada", ada).await;
    until("it runs again", async || town.count("ada", "call_permitted", &asked) == 2).await;
    assert_eq!(town.count("ada", "call_interrupted", &asked), 1);
    assert_eq!(request(&show(&cy, &id).await, "spin"), asked, "the same request all the time");
    GoalCancel { id: id.clone() }.run(&cy).await.unwrap();
    until("it is stopped", async || town.count("ada", "call_finished", &asked) == 1).await;
    until("ada knows", async || show(&ada, &id).await.state == GoalPhase::Cancelled).await;
    assert_eq!(tier(&ada, cy.peer_id()).await, Tier::Known);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_step_that_is_cancelled_has_an_end_in_the_audit_log() {
    let Trio { town, ada, cy, .. } = trio().await;
    town.install(&cy, &spins(), None).await;
    let spin = json!({ "id": "spin", "key_result": "all", "agent": "me", "skill": "spins", "input": 1 });
    let id = begin(&cy, &[&ada], &of(&[spin, step("first", "ada", &json!(2))])).await;
    until_phase(&cy, &id, "first", StepPhase::Done).await;
    let asked = request(&show(&cy, &id).await, "spin");
    until("it runs", async || town.count("cy", "call_permitted", &asked) == 1).await;
    GoalCancel { id: id.clone() }.run(&cy).await.unwrap();
    let ends = ["call_interrupted", "call_finished"].map(|event| town.count("cy", event, &asked));
    assert_eq!(ends, [1, 0]);
    let (info, at_ada) = (show(&cy, &id).await, show(&ada, &id).await);
    let first = |info: &GoalInfo| info.steps.iter().find(|step| step.id.as_str() == "first").unwrap().clone();
    for first in [first(&info), first(&at_ada)] {
        assert!(
            first.receipt.is_some() && first.fuel > Some(0) && first.output_bytes == Some(1),
            "{first:?}"
        );
        assert!(first.began_ms.is_some() && first.done_ms.is_some(), "{first:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_was_cancelled_before_anybody_heard_of_it_changes_nothing() {
    let Trio { town, ada, cy, .. } = trio().await;
    let plan = of(&[step("first", "ada", &json!(1))]);
    // It never left.
    town.hub.set_reachable(ada.peer_id(), false);
    until("the link is lost", async || {
        coworker_api::ops::Peers {}.run(&cy).await.unwrap().iter().any(|peer| !peer.connected)
    })
    .await;
    let id = begin(&cy, &[&ada], &plan).await;
    let info = GoalCancel { id: id.clone() }.run(&cy).await.unwrap();
    assert_eq!(info.state, GoalPhase::Cancelled);
    assert_eq!(GoalCancel { id: id.clone() }.run(&cy).await.unwrap_err().code, ErrorCode::Usage, "once");
    assert_eq!(tier(&cy, ada.peer_id()).await, Tier::Internal, "nobody took part");
    town.hub.set_reachable(ada.peer_id(), true);
    // One that waits for ada's owner ends there, and is no longer to be answered.
    set_tier(&ada, cy.peer_id(), Tier::Known).await;
    let waits = begin(&cy, &[&ada], &plan).await;
    until("ada has it", async || GoalShow { id: waits.clone() }.run(&ada).await.is_ok()).await;
    assert!(GoalShow { id: id.clone() }.run(&ada).await.is_err(), "this one never left");
    GoalCancel { id: waits.clone() }.run(&cy).await.unwrap();
    until("ada hears", async || show(&ada, &waits).await.state == GoalPhase::Cancelled).await;
    assert!(GoalAnswer { id: waits, accept: true }.run(&ada).await.is_err());
    assert_eq!(tier(&cy, ada.peer_id()).await, Tier::Internal);
    assert_eq!(finished(&town, "ada"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_nobody_ends_ends_with_its_time() {
    let Trio { town, ada, cy, .. } = trio().await;
    let offer = json!({
        "objective": "Never told",
        "key_results": [{ "id": "all", "text": "" }],
        "steps": [{ "id": "s", "key_result": "all", "skill": "plain" }],
    });
    let share = |state| GoalShare {
        peer: cy.peer_id(),
        goal: RequestId::random(),
        proposal: RequestId::random(),
        offer: offer.to_string(),
        state,
        at_ms: 1,
        expires_ms: 2,
        done_ms: None,
    };
    let (asked, accepted) = (share(GoalShareState::Asked), share(GoalShareState::Accepted));
    town.in_transaction("ada", |tx| tx.add_goal_share(&asked).and_then(|()| tx.add_goal_share(&accepted)));
    for _ in 0..2 {
        GoalList { all: true }.run(&ada).await.unwrap();
        assert_eq!(parted(&ada, cy.peer_id()).await.len(), 1, "the one that was accepted, once");
    }
    assert_eq!(show(&ada, &asked.goal.to_string()).await.state, GoalPhase::Expired);
    assert_eq!(tier(&ada, cy.peer_id()).await, Tier::Known);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_until_a_goal_is_done_ends_with_it() {
    let Trio { town: _town, ada, cy, .. } = trio().await;
    set_tier(&ada, cy.peer_id(), Tier::Known).await;
    let ends = coworker_api::ops::Ends { goal: true, ..Default::default() };
    let (peer, reason) = (cy.peer_id().to_string(), Text::default());
    TrustSet { peer, tier: Tier::Privileged, ends, reason }.run(&ada).await.unwrap();
    let id = begin(&cy, &[&ada], &of(&[step("first", "ada", &json!(1))])).await;
    assert_eq!(watch(&cy, &id).await.state, GoalPhase::Done);
    until("the lease ends", async || tier(&ada, cy.peer_id()).await == Tier::Known).await;
    let parted = parted(&ada, cy.peer_id()).await;
    assert_eq!(parted.len(), 1);
    assert_eq!((parted[0].0, parted[0].2.as_str()), (Tier::Privileged, "lease_goal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_carried_out_is_said_before_anybody_is_asked() {
    let Trio { town, ada, cy, .. } = trio().await;
    let unknown = json!({ "id": "x", "key_result": "all", "agent": "ada", "skill": "nothing", "input": 1 });
    for bad in [
        of(&[unknown]),
        of(&[step("first", "bob", &json!(1))]),
        of(&[step("first", "ada", &json!({ "$from": "second", "at": "" }))]),
        of(&[]),
        json!([]),
    ] {
        assert_eq!(plan(&cy, &[&ada], &bad).await.unwrap_err().code, ErrorCode::Usage, "{bad}");
    }
    // A plan that was valid when it was made may be invalid later.
    let made = plan(&cy, &[&ada], &of(&[step("first", "ada", &json!(1))])).await.unwrap();
    SkillHide { name: "plain".into() }.run(&ada).await.unwrap();
    let plan: Plan = made.plan;
    let late = GoalBegin { plan, input: made.input, group: None, asked: None, detach: false, timeout: SOON };
    assert_eq!(late.run(&cy).await.unwrap_err().code, ErrorCode::Usage);
    let asked = AuditFilter { limit: 100, ..AuditFilter::default() };
    let rows = town.in_transaction("ada", |tx| tx.audit_rows(&asked));
    assert!(!rows.iter().any(|row| row.event.starts_with("goal_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_hears_how_a_goal_goes() {
    let Trio { town: _town, ada, bob, cy } = trio().await;
    groups::create(&cy, &[&ada, &bob]).await;
    let id = begin_for(&cy, &[&ada, &bob], &diamond(), Some("crew")).await;
    let info = watch(&cy, &id).await;
    assert_eq!(info.state, GoalPhase::Done, "{info:?}");
    for agent in [&ada, &bob, &cy] {
        until("all is told", async || {
            let told: Vec<_> = groups::read(agent).await.into_iter().map(|said| said.text).collect();
            told.iter().any(|text| text == "[goal: Say it again] All of it.: 4 of 4 done")
                && told.last().is_some_and(|text| text == "[goal: Say it again] done")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_goal_are_reported_while_it_goes_on() {
    let Trio { town: _town, ada, bob, cy } = trio().await;
    let id = begin(&cy, &[&ada, &bob], &diamond()).await;
    let (observer, mut updates) = CallObserver::new(CancellationToken::new());
    let watching = tokio::spawn(async move {
        let observer = observer;
        GoalWatch { id }.run_observed(&cy, &observer).await.unwrap();
        cy
    });
    let mut last = None;
    while let Some(update) = updates.recv().await {
        let Update::Goal(update) = update else { panic!("{update:?}") };
        last = Some((update.state, update.key_results[0].done));
    }
    assert_eq!(last, Some((GoalPhase::Done, 4)));
    watching.await.unwrap();
}

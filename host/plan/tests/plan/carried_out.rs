//! A checked plan as its executor and its peers see it.

use std::collections::{BTreeMap, BTreeSet};

use coworker_plan::{Agent, Checked, InputError, Offer, OfferError, OfferStep, Plan, VisibleSkills};
use coworker_policy::Text;
use serde_json::{Value, json};

use crate::fixture::{ADA, BOB, CHEN, agent_skills, name, object, output, plain, plan, text};

fn goal() -> Value {
    json!({ "letter": "Dear Ms Lee" })
}

/// Ada runs `a`, Bob runs `b` on its output, Ada runs `c` on Bob's; our own `d` runs independently.
fn checked() -> Checked {
    let takes = |name| plain(name, object(json!({ "text": text() })), output(json!({ "text": text() })));
    let visible = VisibleSkills::new([
        agent_skills(Agent::Me, "me", vec![takes("count")]),
        agent_skills(Agent::Peer(ADA), "Ada", vec![takes("translate"), takes("check")]),
        agent_skills(Agent::Peer(BOB), "Bob", vec![takes("soften")]),
    ]);
    let step = |id: &str, kr: &str, agent: Agent, skill: &str, from: &str, at: &str| {
        let input = json!({ "text": { "$from": from, "at": at } });
        json!({ "id": id, "key_result": kr, "agent": agent, "skill": skill, "input": input })
    };
    plan(json!({
        "objective": "A kind letter in German",
        "key_results": [{ "id": "kr1", "text": "German" }, { "id": "kr2", "text": "Kind" }, { "id": "kr3", "text": "Counted" }],
        "steps": [
            step("c", "kr1", Agent::Peer(ADA), "check", "b", "/text"),
            step("a", "kr1", Agent::Peer(ADA), "translate", "goal", "/letter"),
            step("b", "kr2", Agent::Peer(BOB), "soften", "a", "/text"),
            step("d", "kr3", Agent::Me, "count", "goal", "/letter"),
        ],
    }))
    .check(&goal(), &visible)
    .unwrap()
}

fn ready(checked: &Checked, done: &[&str]) -> Vec<String> {
    let done: BTreeSet<_> = done.iter().map(|id| name(id)).collect();
    checked.ready(&done).iter().map(|step| step.id.to_string()).collect()
}

#[test]
fn a_step_is_ready_when_its_dependencies_are_done() {
    let checked = checked();
    assert_eq!(ready(&checked, &[]), ["a", "d"]);
    assert_eq!(ready(&checked, &["a"]), ["b", "d"]);
    assert_eq!(ready(&checked, &["b"]), ["c", "a", "d"]);
    assert_eq!(ready(&checked, &["a", "b", "d"]), ["c"]);
    assert!(ready(&checked, &["a", "b", "c", "d"]).is_empty());
    assert_eq!(checked.peers(), BTreeSet::from([ADA, BOB]));
}

#[test]
fn an_input_is_filled_from_the_goal_and_earlier_outputs() {
    let checked = checked();
    let mut outputs = BTreeMap::new();
    assert_eq!(checked.input(&name("a"), &goal(), &outputs), Ok(json!({ "text": "Dear Ms Lee" })));
    let input = |outputs: &BTreeMap<_, _>| checked.input(&name("b"), &goal(), outputs);
    let error = input(&outputs).unwrap_err();
    assert_eq!(error.to_string(), "step `b` needs the output of `a`, which is not done");
    outputs.insert(name("a"), json!({ "text": { "$from": "goal" } }));
    let error = input(&outputs).unwrap_err();
    assert!(
        error.to_string().starts_with("step `b`: the input does not match the skill's schema: `/text`:"),
        "{error}"
    );
    outputs.insert(name("a"), json!({ "txt": "Liebe" }));
    assert_eq!(input(&outputs).unwrap_err().to_string(), "step `b`: a/text has no value");
    outputs.insert(name("a"), json!({ "text": "x".repeat(3 << 20) }));
    assert_eq!(input(&outputs), Err(InputError::TooLarge { step: name("b") }));
    outputs.insert(name("a"), json!({ "text": "Liebe Frau Lee" }));
    assert_eq!(input(&outputs), Ok(json!({ "text": "Liebe Frau Lee" })));
    assert_eq!(checked.input(&name("x"), &goal(), &outputs), Err(InputError::NoStep(name("x"))));
}

#[test]
fn a_peer_sees_its_own_steps_and_nothing_of_others() {
    let checked = checked();
    let ada = checked.part_for(ADA).unwrap();
    insta::assert_json_snapshot!(ada);
    // Bob's step lies between `a` and `c`: Ada learns their order and no more.
    assert!(!serde_json::to_string(&ada).unwrap().contains("soften"));
    assert!(checked.part_for(CHEN).is_none());
    assert!(checked.part_for(BOB).unwrap().steps[0].after.is_empty());
    for peer in [ADA, BOB] {
        let offer = checked.part_for(peer).unwrap();
        assert!(offer.clone().check(2).is_ok());
        let sent = serde_json::to_string(&offer).unwrap();
        assert_eq!(serde_json::from_str::<Offer>(&sent).unwrap(), offer);
    }
}

#[test]
fn a_stored_plan_keeps_its_format() {
    insta::assert_json_snapshot!(checked().plan());
}

#[test]
fn an_inconsistent_offer_is_refused() {
    let offer = || checked().part_for(ADA).unwrap();
    let refused = |change: &dyn Fn(&mut Offer)| {
        let mut offer = offer();
        change(&mut offer);
        offer.check(8).unwrap_err()
    };
    assert_eq!(offer().check(1), Err(OfferError::Steps { count: 2, max: 1 }));
    assert_eq!(refused(&|offer| offer.steps.clear()), OfferError::Steps { count: 0, max: 8 });
    assert_eq!(refused(&|offer| offer.steps[1].id = name("c")), OfferError::Ids);
    assert_eq!(refused(&|offer| offer.steps[0].id = name("goal")), OfferError::Ids);
    assert_eq!(refused(&|offer| offer.key_results.push(offer.key_results[0].clone())), OfferError::Ids);
    assert_eq!(refused(&|offer| offer.key_results.clear()), OfferError::Unrelated);
    assert_eq!(refused(&|offer| offer.key_results[0].id = name("x")), OfferError::Unrelated);
    assert_eq!(refused(&|offer| offer.steps[0].after = vec![name("b")]), OfferError::Unknown);
    assert_eq!(refused(&|offer| offer.steps[1].after = vec![name("c")]), OfferError::Order);
    let many = |offer: &mut Offer| {
        offer.key_results = (0..17)
            .map(|i| {
                let mut one = offer.key_results[0].clone();
                one.id = name(&format!("k{i}"));
                one
            })
            .collect();
    };
    assert_eq!(refused(&many), OfferError::KeyResults { count: 17 });
}

#[test]
fn a_giant_offer_does_not_parse() {
    let step = OfferStep {
        id: name("a"),
        key_result: name("kr"),
        skill: name("s"),
        version: None,
        after: Vec::new(),
    };
    let offer = Offer { objective: Text::default(), key_results: Vec::new(), steps: vec![step; 65] };
    let sent = serde_json::to_string(&offer).unwrap();
    assert!(serde_json::from_str::<Offer>(&sent).unwrap_err().to_string().contains("at most 64 items"));
}

#[test]
fn unknown_members_are_skipped_in_an_offer_and_refused_in_a_plan() {
    let offer = checked().part_for(ADA).unwrap();
    let mut sent = serde_json::to_value(&offer).unwrap();
    for member in ["/key_results/0", "/steps/0", ""] {
        sent.pointer_mut(member).unwrap()["since"] = 2.into();
    }
    assert_eq!(serde_json::from_value::<Offer>(sent).unwrap(), offer);
    let mut plan = serde_json::to_value(checked().plan()).unwrap();
    plan["key_results"][0]["since"] = 2.into();
    assert!(serde_json::from_value::<Plan>(plan).is_err());
}

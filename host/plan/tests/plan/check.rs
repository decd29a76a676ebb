use coworker_plan::{Agent, Plan, Problem, StepProblem, VisibleSkills};
use serde_json::{Value, json};

use crate::fixture::{ADA, agent_skills, name, object, output, plain, plan, steps, text};

fn visible() -> VisibleSkills {
    let shorten = plain(
        "summarize",
        object(json!({ "text": text(), "sentences?": { "type": "integer", "minimum": 1 } })),
        output(json!({ "summary": text(), "ratio": { "type": "number" } })),
    );
    let translate = plain(
        "translate",
        object(json!({ "text": text(), "to": { "enum": ["de", "fr", "zh"] } })),
        output(json!({ "translation": text() })),
    );
    VisibleSkills::new([
        agent_skills(Agent::Me, "me", vec![shorten]),
        agent_skills(Agent::Peer(ADA), "Ada", vec![translate]),
    ])
}

fn chain() -> Plan {
    steps(&[
        ("short", Agent::Me, "summarize", json!({ "text": { "$from": "goal" } })),
        (
            "german",
            Agent::Peer(ADA),
            "translate",
            json!({ "text": { "$from": "short", "at": "/summary" }, "to": "de" }),
        ),
    ])
}

fn wrong(plan: Plan) -> String {
    plan.check(&json!("A text"), &visible()).unwrap_err().to_string()
}

#[test]
fn a_chain_over_two_agents_is_a_plan() {
    let checked = chain().check(&json!("A text"), &visible()).unwrap();
    assert_eq!(checked.needs(&name("german")).collect::<Vec<_>>(), [&name("short")]);
    let waves: Vec<Vec<_>> =
        checked.waves().iter().map(|wave| wave.iter().map(|step| step.id.as_str()).collect()).collect();
    assert_eq!(waves, [vec!["short"], vec!["german"]]);
}

/// Bob's id. He does not take part in the plan.
const STRANGER: &str = r#""aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba""#;

/// A place in the plan, the JSON that replaces it, and the expected problem.
const WRONG: &[(&str, &str, &str)] = &[
    ("/steps", "[]", "the plan has no steps; no step counts toward the key result `kr`"),
    (
        "/key_results",
        r#"[{ "id": "kr", "text": "" }, { "id": "kr", "text": "" }]"#,
        "two key results have the id `kr`; ids must be unique",
    ),
    (
        "/key_results",
        r#"[{ "id": "kr", "text": "" }, { "id": "idle", "text": "" }]"#,
        "no step counts toward the key result `idle`",
    ),
    ("/steps/1/id", r#""short""#, "two steps have the id `short`; ids must be unique"),
    ("/steps/1/key_result", r#""other""#, "step `german`: no key result has the id `other`"),
    ("/steps/1/id", r#""goal""#, "step `goal`: this id is reserved for the goal's own input"),
    (
        "/steps/1/input/text/$from",
        r#""later""#,
        "step `german`: it refers to the step `later`, which is not in the plan",
    ),
    (
        "/steps/0/input/text/$from",
        r#""german""#,
        "steps depend on each other in a cycle: `german` → `short` → `german`",
    ),
    ("/steps/0/input/text/$from", r#""short""#, "steps depend on each other in a cycle: `short` → `short`"),
    ("/steps/1/skill", r#""summarize""#, "step `german`: Ada shows no skill `summarize`"),
    (
        "/steps/1/agent",
        STRANGER,
        "step `german`: the agent aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba does not take part in \
             this plan",
    ),
    (
        "/steps/0/input/text/at",
        r#""/letter""#,
        "step `short`: goal/letter: the goal's input has no such value",
    ),
    (
        "/steps/1/input/text/at",
        r#""/sumary""#,
        "step `german`: short/sumary: the output has no `sumary`; it has ratio, summary",
    ),
    (
        "/steps/1/input/text/at",
        r#""/summary/0""#,
        "step `german`: short/summary/0: the output has nothing named `0` there",
    ),
    (
        "/steps/1/input/text/at",
        r#""/ratio""#,
        "step `german`: short/ratio does not fit `/text` of the input: it is a number, not text",
    ),
    (
        "/steps/1/input/text/at",
        r#""""#,
        "step `german`: short does not fit `/text` of the input: it is an object, not text",
    ),
    (
        "/steps/1/input/to",
        r#""German""#,
        "step `german`: the input does not match the skill's schema: `/to`: the top level: value is not one of \"de\", \"fr\" or \
             \"zh\"",
    ),
    (
        "/steps/1/input/to",
        "7",
        "step `german`: the input does not match the skill's schema: `/to`: it is a whole number, not text",
    ),
    (
        "/steps/1/input",
        r#"{ "text": { "$from": "short", "at": "/summary" } }"#,
        "step `german`: the input must have the field `/to`",
    ),
    (
        "/steps/1/input",
        r#"{ "text": { "$from": "short", "at": "/summary" }, "to": "de", "tone": "kind" }"#,
        "step `german`: the input must not have the field `/tone`",
    ),
    (
        "/steps/0/input",
        r#"{ "text": { "$from": "goal" }, "sentences": 0 }"#,
        "step `short`: the input does not match the skill's schema: `/sentences`: value is less than the minimum of 1",
    ),
    ("/steps/0/input", r#"{ "txt": "A" }"#, "step `short`: the input does not match the skill's schema:"),
];

#[test]
fn each_problem_names_its_step() {
    for (at, value, expected) in WRONG {
        let value: Value = serde_json::from_str(value).unwrap();
        let mut plan = serde_json::to_value(chain()).unwrap();
        if let Some(place) = plan.pointer_mut(at) {
            *place = value.clone();
        } else {
            let (parent, field) = at.rsplit_once('/').unwrap();
            plan.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        let said = wrong(serde_json::from_value(plan).unwrap());
        assert!(said.starts_with(expected), "{at}: {value}\n  said: {said}\n  not:  {expected}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let mut plan = chain();
    plan.steps[0].skill = name("shorten");
    plan.steps[1].version = Some("^2".parse().unwrap());
    let error = plan.check(&json!("A text"), &visible()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `short`: me shows no skill `shorten`; step `german`: `translate` has version 1.2.0, which does not \
         match ^2"
    );
    assert!(matches!(&error.problems()[1], Problem::Step { problem: StepProblem::Version { .. }, .. }));
}

#[test]
fn a_step_can_wait_without_using_an_output() {
    let mut plan = chain();
    plan.steps[0].after = vec![name("german")];
    assert!(wrong(plan).starts_with("steps depend on each other in a cycle"));
    let mut plan = steps(&[
        ("a", Agent::Me, "summarize", json!({ "text": "x" })),
        ("b", Agent::Me, "summarize", json!({ "text": "y" })),
    ]);
    plan.steps[0].after = vec![name("b")];
    let checked = plan.check(&Value::Null, &visible()).unwrap();
    let ready = checked.ready(&std::collections::BTreeSet::new());
    assert_eq!(ready.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn oversized_plans_are_refused() {
    let one = chain();
    let chain = |count: usize| {
        let mut plan = steps(&[]);
        plan.steps = (0..count)
            .map(|i| {
                let mut step = one.steps[0].clone();
                step.id = name(&format!("s{i}"));
                step.after = if i == 0 { Vec::new() } else { vec![name(&format!("s{}", i - 1))] };
                step
            })
            .collect();
        plan
    };
    assert!(chain(Plan::CHAIN).check(&json!("x"), &visible()).is_ok());
    assert_eq!(
        wrong(chain(Plan::CHAIN + 1)),
        "33 steps depend on each other in a chain; at most 32 are allowed"
    );
    assert_eq!(wrong(chain(Plan::STEPS + 1)), "the plan has 65 steps; at most 64 are allowed");
    let large = steps(&[("a", Agent::Me, "summarize", json!({ "text": "x".repeat(Plan::MAX) }))]);
    assert!(wrong(large).starts_with("the plan has 262"));
    let mut twice = serde_json::to_value(one.clone()).unwrap();
    twice["steps"] = vec![twice["steps"][0].clone(); Plan::STEPS + 1].into();
    let error = serde_json::from_value::<Plan>(twice).unwrap_err();
    assert_eq!(error.to_string(), "invalid length 65, expected a list of at most 64 items");
}

#[test]
fn the_goals_input_is_bounded_over_all_its_uses() {
    let many: Vec<_> = (0..60).map(|_| json!({ "$from": "goal" })).collect();
    let takes = plain("takes", json!({}), json!({}));
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "me", vec![takes])]);
    let plan = steps(&[("a", Agent::Me, "takes", json!(many))]);
    let error = plan.check(&"x".repeat(100_000).into(), &visible).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `a`: the input exceeds 2097152 bytes once the goal's input is filled in"
    );
}

#[test]
fn the_goals_input_is_data() {
    let plan = steps(&[("a", Agent::Me, "takes", json!({ "x": { "$from": "goal" } }))]);
    let takes = plain("takes", json!({}), json!({}));
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "me", vec![takes])]);
    let goal = json!({ "$from": "a", "at": "/secret" });
    let checked = plan.check(&goal, &visible).unwrap();
    let input = checked.input(&name("a"), &goal, &std::collections::BTreeMap::new()).unwrap();
    assert_eq!(input, json!({ "x": goal }));
}

#[test]
fn a_plan_is_read_with_the_owners_names() {
    let mut value = serde_json::to_value(chain()).unwrap();
    value["steps"][1]["agent"] = json!("ada");
    assert_eq!(Plan::read(&value.to_string(), &visible()).unwrap(), chain());
    value["steps"][1]["agent"] = json!("Bob\u{202e}");
    let error = Plan::read(&value.to_string(), &visible()).unwrap_err();
    assert_eq!(error.to_string(), "step `german`: `Bob\u{fffd}` does not take part in this plan");
    value["steps"][1]["agent"] = json!("ada");
    value.as_object_mut().unwrap().remove("objective");
    let error = Plan::read(&value.to_string(), &visible()).unwrap_err();
    assert_eq!(error.to_string(), "not a plan: it has no `objective`");
    value["extra"] = json!(1);
    assert!(
        Plan::read(&value.to_string(), &visible())
            .unwrap_err()
            .to_string()
            .starts_with("not a plan: unknown field")
    );
    assert!(Plan::read(&" ".repeat(Plan::MAX + 1), &visible()).unwrap_err().to_string().contains("bytes"));
    assert!(plan(serde_json::to_value(chain()).unwrap()) == chain());
}

use coworker_plan::{Agent, Fault, Plan, Problem, Shown};
use serde_json::{Value, json};

use crate::fixture::{ADA, BOB, name, object, output, pair, plain, plan, showing, steps, text};

fn shown() -> Shown {
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
    Shown::new([showing(Agent::Me, "me", vec![shorten]), showing(Agent::Peer(ADA), "Ada", vec![translate])])
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
    plan.check(&json!("A text"), &shown()).unwrap_err().to_string()
}

#[test]
fn a_chain_over_two_agents_is_a_plan() {
    let checked = chain().check(&json!("A text"), &shown()).unwrap();
    assert_eq!(checked.needs(&name("german")).collect::<Vec<_>>(), [&name("short")]);
    let waves: Vec<Vec<_>> =
        checked.waves().iter().map(|wave| wave.iter().map(|step| step.id.as_str()).collect()).collect();
    assert_eq!(waves, [vec!["short"], vec!["german"]]);
}

#[test]
fn what_is_wrong_is_named_with_its_step() {
    let cases: &[(&str, Value, &str)] = &[
        ("/steps", json!([]), "the plan has no steps; key result `kr` has no step that counts for it"),
        (
            "/key_results",
            json!([{ "id": "kr", "text": "" }, { "id": "kr", "text": "" }]),
            "two key results have the id `kr`; ids are unique",
        ),
        (
            "/key_results",
            json!([{ "id": "kr", "text": "" }, { "id": "idle", "text": "" }]),
            "key result `idle` has no step that counts for it",
        ),
        ("/steps/1/id", json!("short"), "two steps have the id `short`; ids are unique"),
        ("/steps/1/key_result", json!("other"), "step `german`: no key result has the id `other`"),
        (
            "/steps/1/id",
            json!("goal"),
            "step `goal`: no step may have this id: in a reference it means the goal's own input",
        ),
        (
            "/steps/1/input/text/$from",
            json!("later"),
            "step `german`: it refers to step `later`, which is not in the plan",
        ),
        (
            "/steps/0/input/text/$from",
            json!("german"),
            "steps wait for each other in a circle: `german` → `short` → `german`",
        ),
        (
            "/steps/0/input/text/$from",
            json!("short"),
            "steps wait for each other in a circle: `short` → `short`",
        ),
        ("/steps/1/skill", json!("summarize"), "step `german`: Ada shows no skill `summarize`"),
        (
            "/steps/1/agent",
            json!(BOB),
            "step `german`: the agent aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba takes no part in this \
             plan",
        ),
        (
            "/steps/0/input/text/at",
            json!("/letter"),
            "step `short`: goal/letter: the goal came without that input",
        ),
        (
            "/steps/1/input/text/at",
            json!("/sumary"),
            "step `german`: short/sumary: the output has no `sumary`; it has ratio, summary",
        ),
        (
            "/steps/1/input/text/at",
            json!("/summary/0"),
            "step `german`: short/summary/0: the output has nothing named `0` there",
        ),
        (
            "/steps/1/input/text/at",
            json!("/ratio"),
            "step `german`: short/ratio does not fit `/text` of the input: it is a number, not text",
        ),
        (
            "/steps/1/input/text/at",
            json!(""),
            "step `german`: short does not fit `/text` of the input: it is an object, not text",
        ),
        (
            "/steps/1/input/to",
            json!("German"),
            "step `german`: the input does not fit: `/to`: the top level: value is not one of \"de\", \"fr\" or \
             \"zh\"",
        ),
        (
            "/steps/1/input/to",
            json!(7),
            "step `german`: the input does not fit: `/to`: it is a whole number, not text",
        ),
        (
            "/steps/1/input",
            json!({ "text": { "$from": "short", "at": "/summary" } }),
            "step `german`: the input has to have the field `/to`",
        ),
        (
            "/steps/1/input",
            json!({ "text": { "$from": "short", "at": "/summary" }, "to": "de", "tone": "kind" }),
            "step `german`: the input takes no field `/tone`",
        ),
        (
            "/steps/0/input",
            json!({ "text": { "$from": "goal" }, "sentences": 0 }),
            "step `short`: the input does not fit: `/sentences`: value is less than the minimum of 1",
        ),
        ("/steps/0/input", json!({ "txt": "A" }), "step `short`: the input does not fit:"),
    ];
    for (at, value, expected) in cases {
        let mut plan = serde_json::to_value(chain()).unwrap();
        match plan.pointer_mut(at) {
            Some(place) => *place = value.clone(),
            None => {
                let (parent, field) = at.rsplit_once('/').unwrap();
                plan.pointer_mut(parent).unwrap()[field] = value.clone();
            }
        }
        let said = wrong(serde_json::from_value(plan).unwrap());
        assert!(said.starts_with(expected), "{at}: {value}\n  said: {said}\n  not:  {expected}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut plan = chain();
    plan.steps[0].skill = name("shorten");
    plan.steps[1].version = Some("^2".parse().unwrap());
    let error = plan.check(&json!("A text"), &shown()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `short`: me shows no skill `shorten`; step `german`: `translate` is shown in version 1.2.0, which is \
         not ^2"
    );
    assert!(matches!(&error.problems()[1], Problem::Step { fault: Fault::Version { .. }, .. }));
}

#[test]
fn a_step_can_wait_without_taking_anything() {
    let mut plan = chain();
    plan.steps[0].after = vec![name("german")];
    assert!(wrong(plan).starts_with("steps wait for each other in a circle"));
    let mut plan = steps(&[
        ("a", Agent::Me, "summarize", json!({ "text": "x" })),
        ("b", Agent::Me, "summarize", json!({ "text": "y" })),
    ]);
    plan.steps[0].after = vec![name("b")];
    let checked = plan.check(&Value::Null, &shown()).unwrap();
    let ready = checked.ready(&std::collections::BTreeSet::new());
    assert_eq!(ready.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn too_much_is_refused() {
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
    assert!(chain(Plan::CHAIN).check(&json!("x"), &shown()).is_ok());
    assert_eq!(wrong(chain(Plan::CHAIN + 1)), "33 steps wait one for the other; at most 32 may");
    assert_eq!(wrong(chain(Plan::STEPS + 1)), "the plan has 65 steps; at most 64 are allowed");
    let large = steps(&[("a", Agent::Me, "summarize", json!({ "text": "x".repeat(Plan::MAX) }))]);
    assert!(wrong(large).starts_with("the plan has 262"));
    let mut twice = serde_json::to_value(one.clone()).unwrap();
    twice["steps"] = vec![twice["steps"][0].clone(); Plan::STEPS + 1].into();
    let error = serde_json::from_value::<Plan>(twice).unwrap_err();
    assert_eq!(error.to_string(), "invalid length 65, expected a list of at most 64 items");
}

#[test]
fn the_goals_input_is_bounded_once_it_is_in_all_its_places() {
    let many: Vec<_> = (0..60).map(|_| json!({ "$from": "goal" })).collect();
    let takes = plain("takes", json!({}), json!({}));
    let shown = Shown::new([showing(Agent::Me, "me", vec![takes])]);
    let plan = steps(&[("a", Agent::Me, "takes", json!(many))]);
    let error = plan.check(&"x".repeat(100_000).into(), &shown).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `a`: the input has more than 2097152 bytes with the goal's own input in it"
    );
}

#[test]
fn the_goals_input_is_data() {
    let plan = steps(&[("a", Agent::Me, "takes", json!({ "x": { "$from": "goal" } }))]);
    let takes = plain("takes", json!({}), json!({}));
    let shown = Shown::new([showing(Agent::Me, "me", vec![takes])]);
    let goal = json!({ "$from": "a", "at": "/secret" });
    let checked = plan.check(&goal, &shown).unwrap();
    let input = checked.input(&name("a"), &goal, &std::collections::BTreeMap::new()).unwrap();
    assert_eq!(input, json!({ "x": goal }));
}

/// Output schema, `at`, input schema of `/it`, and what is said of it.
type Case = (Value, &'static str, Value, &'static str);

#[test]
fn a_promise_fits_what_is_asked_or_not() {
    let nested = json!({
        "$ref": "#/$defs/All",
        "$defs": {
            "All": { "type": "object", "properties": { "part": { "$ref": "#/$defs/Part" } } },
            "Part": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        }
    });
    let list = json!({ "type": "array", "items": { "type": "string" } });
    let either = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
    let tagged = json!({ "oneOf": [
        { "type": "object", "properties": { "ok": { "type": "string" } }, "required": ["ok"] },
        { "type": "object", "properties": { "error": { "type": "integer" } }, "required": ["error"] },
    ] });
    let cases: Vec<Case> = vec![
        (json!({}), "/any/thing", text(), ""),
        (json!(true), "", json!({}), ""),
        (json!(false), "", text(), "it is nothing, not text"),
        (nested.clone(), "/part/name", text(), ""),
        (nested.clone(), "/part/nme", text(), "the output has no `nme`; it has name"),
        (nested.clone(), "/part", json!({ "type": "object", "required": ["name"] }), ""),
        (nested, "/part", json!({ "type": "object", "required": ["id"] }), "it has no field `id`"),
        (list.clone(), "/0", text(), ""),
        (list.clone(), "/01", text(), "the output has nothing named `01` there"),
        (list.clone(), "", list.clone(), ""),
        (
            list.clone(),
            "",
            json!({ "type": "array", "items": { "type": "integer" } }),
            "its items: it is text",
        ),
        (list, "", text(), "it is a list, not text"),
        (json!({ "type": "integer" }), "", json!({ "type": "number" }), ""),
        (json!({ "type": "number" }), "", json!({ "type": "integer" }), ""),
        (json!({ "type": "boolean" }), "", json!({ "type": "number" }), "it is true or false, not a number"),
        (either.clone(), "", text(), ""),
        (
            either,
            "",
            json!({ "type": ["integer", "null"] }),
            "it is null or text, not null or a whole number",
        ),
        (tagged.clone(), "/ok", text(), ""),
        (tagged.clone(), "/error", text(), "it is a whole number, not text"),
        (tagged.clone(), "/other", text(), "the output has no `other`; it has error, ok"),
        (tagged, "", object(json!({ "ok": text() })), ""),
        (json!({ "enum": ["a", "b"] }), "", json!({ "enum": ["b", "c"] }), ""),
        (json!({ "enum": ["a"] }), "", json!({ "const": "c" }), "it is one of \"a\", not one of \"c\""),
        (
            object(json!({ "a": text(), "b": text() })),
            "",
            object(json!({ "a": text() })),
            "the input takes no field `b`",
        ),
        (object(json!({ "a": text(), "b?": text() })), "", object(json!({ "a": text() })), ""),
        (
            object(json!({ "a": object(json!({ "b": text() })) })),
            "",
            object(json!({ "a": object(json!({ "b": { "type": "null" } })) })),
            "its field `a`: its field `b`: it is text, not null",
        ),
        (
            json!({ "allOf": [output(json!({ "a": text() })), output(json!({ "b": text() }))] }),
            "/b",
            text(),
            "",
        ),
        (json!({ "type": "object", "additionalProperties": text() }), "/x", text(), ""),
        (
            json!({ "type": "object", "additionalProperties": text() }),
            "/x",
            json!({ "type": "null" }),
            "it is text",
        ),
        (
            json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": true }),
            "/x",
            text(),
            "",
        ),
        (json!({ "type": "array", "maxItems": 1, "items": text() }), "/1", text(), "the output has nothing"),
        (
            json!({ "type": "array", "prefixItems": [text(), { "type": "null" }], "items": false }),
            "/0",
            text(),
            "",
        ),
        (
            json!({ "type": "array", "prefixItems": [text(), { "type": "null" }], "items": false }),
            "/2",
            text(),
            "the output has",
        ),
        (json!({ "$ref": "#/nowhere" }), "/x", text(), ""),
        (json!({ "$ref": "#" }), "/x", text(), ""),
        (json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }), "/x", text(), ""),
    ];
    for (output, at, input, expected) in cases {
        let reference = json!({ "it": { "$from": "one", "at": at } });
        let asked = json!({ "type": "object", "properties": { "it": input } });
        let said =
            pair(output.clone(), asked, reference).map_or_else(|error| error.to_string(), |_| String::new());
        let reason =
            said.split_once(if said.contains("of the input: ") { "of the input: " } else { ": one" });
        let reason = reason.map_or("", |(_, reason)| reason).trim_start_matches(at).trim_start_matches(": ");
        assert!(
            reason.starts_with(expected) && said.is_empty() == expected.is_empty(),
            "{output} {at} {input}\n{said}"
        );
    }
}

#[test]
fn literals_beside_references_are_checked_where_they_stand() {
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/input",
        "type": "object",
        "properties": {
            "text": { "type": "string" },
            "options": { "$ref": "#/$defs/Options" },
            "parts": { "type": "array", "items": { "type": "string", "maxLength": 3 }, "maxItems": 2 },
        },
        "$defs": { "Options": {
            "type": "object",
            "properties": { "tone": { "$ref": "#/$defs/Tone" } },
            "required": ["tone"],
        }, "Tone": { "enum": ["kind", "short"] } },
    });
    let put = |field: &str, value: Value| {
        let mut second = json!({ "text": { "$from": "one" } });
        second[field] = value;
        pair(json!({}), input.clone(), second).map_or_else(|error| error.to_string(), |_| "fits".to_owned())
    };
    assert_eq!(put("options", json!({ "tone": "kind" })), "fits");
    assert!(put("options", json!({ "tone": "loud" })).contains("`/options`: `/tone`: value is not one of"));
    assert!(put("options", json!({})).contains("`/options`: the top level:"));
    assert_eq!(put("parts", json!(["abc", { "$from": "one" }])), "fits");
    assert!(put("parts", json!(["abcd", { "$from": "one" }])).contains("`/parts/0`"));
    assert!(put("parts", json!(["a", "b", { "$from": "one" }])).contains("takes no field `/parts/2`"));
}

#[test]
fn one_alternative_of_an_input_is_enough() {
    let input = json!({ "oneOf": [
        { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
        { "type": "object", "properties": { "url": { "type": "string" } }, "required": ["url"] },
    ] });
    let takes =
        |second| pair(output(json!({ "n": { "type": "integer" }, "t": text() })), input.clone(), second);
    assert!(takes(json!({ "url": { "$from": "one", "at": "/t" } })).is_ok());
    assert!(takes(json!({ "url": { "$from": "one", "at": "/n" } })).is_err());
    assert!(takes(json!({ "uri": { "$from": "one", "at": "/t" } })).is_err());
}

#[test]
fn a_schema_that_multiplies_ends() {
    // Each level doubles what there is to look at.
    let mut defs = serde_json::Map::new();
    for i in 0..60 {
        let next = json!({ "$ref": format!("#/$defs/d{}", i + 1) });
        defs.insert(format!("d{i}"), json!({ "anyOf": [next, next], "properties": { "a": next } }));
    }
    defs.insert("d60".to_owned(), text());
    let output = json!({ "$ref": "#/$defs/d0", "$defs": defs });
    assert!(
        pair(output.clone(), output, json!({ "$from": "one", "at": "/a" }))
            .is_err_and(|e| { e.to_string().contains("not one that an input can be checked against") })
    );
    let loops =
        json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }], "properties": { "a": { "$ref": "#" } } });
    let at = "/a".repeat(32);
    assert!(
        pair(loops, object(json!({ "x": text() })), json!({ "x": { "$from": "one", "at": at } })).is_ok()
    );
}

#[test]
fn a_plan_is_read_with_the_owners_names() {
    let mut value = serde_json::to_value(chain()).unwrap();
    value["steps"][1]["agent"] = json!("ada");
    assert_eq!(Plan::read(&value.to_string(), &shown()).unwrap(), chain());
    value["steps"][1]["agent"] = json!("Bob\u{202e}");
    let error = Plan::read(&value.to_string(), &shown()).unwrap_err();
    assert_eq!(error.to_string(), "step `german`: `Bob\u{fffd}` takes no part in this plan");
    value["extra"] = json!(1);
    assert!(
        Plan::read(&value.to_string(), &shown())
            .unwrap_err()
            .to_string()
            .starts_with("not a plan: unknown field")
    );
    assert!(Plan::read(&" ".repeat(Plan::MAX + 1), &shown()).unwrap_err().to_string().contains("bytes"));
    assert!(plan(serde_json::to_value(chain()).unwrap()) == chain());
}

//! Properties of every plan, template and pointer.

use std::collections::{BTreeMap, BTreeSet};

use coworker_plan::{Agent, Goal, Plan, Pointer, Problem, Template, VisibleSkills, plan_from_words};
use coworker_policy::Text;
use coworker_schema::Schema;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::crowd::crowd;
use crate::fixture::{ADA, agent_skills, cases, name, pair, plain, steps};

fn visible() -> VisibleSkills {
    let takes = plain("takes", json!({}), json!({}));
    VisibleSkills::new([
        agent_skills(Agent::Me, "Mo", vec![takes.clone()]),
        agent_skills(Agent::Peer(ADA), "Ada", vec![takes]),
    ])
}

/// A plan in which step `i` takes the outputs of the steps `before[i]`.
fn dag(before: &[BTreeSet<usize>]) -> Plan {
    let id = |i: usize| format!("s{i}");
    let ids: Vec<_> = (0..before.len()).map(id).collect();
    let rows: Vec<_> = before
        .iter()
        .enumerate()
        .map(|(i, from)| {
            let input: Vec<_> = from.iter().map(|from| json!({ "$from": id(*from), "at": "/x" })).collect();
            let agent = if i % 2 == 0 { Agent::Me } else { Agent::Peer(ADA) };
            (ids[i].as_str(), agent, "takes", json!(input))
        })
        .collect();
    steps(&rows)
}

/// For each step, some of those before it.
fn acyclic() -> impl Strategy<Value = Vec<BTreeSet<usize>>> {
    vec(vec(any::<prop::sample::Index>(), 0..4), 1..24).prop_map(|rows| {
        let before = |i: usize, row: Vec<prop::sample::Index>| {
            row.into_iter().filter(|_| i > 0).map(|from| from.index(i.max(1))).collect()
        };
        rows.into_iter().enumerate().map(|(i, row)| before(i, row)).collect()
    })
}

/// Any JSON, often with objects that look like references.
fn value() -> impl Strategy<Value = Value> {
    let key = prop_oneof!["\\$*from", "at", "[a-c~/]{0,3}", any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(goal|s1|/x|)".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..5).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// Small values of the kinds that the schemas below describe.
fn value_of() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        Just(json!(0.5)),
        "[ab]".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Value::from),
            btree_map("[abc]", inner, 0..3).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// Returns whether a value contains no null and no empty list.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty() && items.iter().all(is_telling),
        Value::Object(fields) => fields.values().all(is_telling),
        _ => true,
    }
}

/// Returns whether a value has fields that a schema nowhere names.
fn names_more(schema: &Value, value: &Value) -> bool {
    let all = schema.to_string();
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, field)| !all.contains(&format!("\"{name}\":")) || names_more(schema, field)),
        Value::Array(items) => items.iter().any(|item| names_more(schema, item)),
        _ => false,
    }
}

/// Good and bad schemas, with references to a part, to nothing, and in loops.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        "(string|integer|number|object|array|null|boolean|thing)".prop_map(|name| json!({ "type": name })),
        "#(/\\$defs/[ab]|/properties/[ab]|/anyOf/0|/items|)".prop_map(|at| json!({ "$ref": at })),
        vec("[ab]", 0..3).prop_map(|values| json!({ "enum": values })),
        value(),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let schemas = || vec(inner.clone(), 0..4);
        let named = || btree_map("[ab0]", inner.clone(), 0..3);
        let keyword = prop_oneof![
            named().prop_map(|all| json!({ "type": "object", "properties": all })),
            named().prop_map(|all| json!({ "properties": all, "additionalProperties": false })),
            (named(), vec("[abc]", 0..3))
                .prop_map(|(all, names)| json!({ "properties": all, "required": names })),
            (named(), inner.clone()).prop_map(|(all, rest)| json!({ "$defs": all, "allOf": [rest] })),
            schemas().prop_map(|all| json!({ "anyOf": all })),
            schemas().prop_map(|all| json!({ "oneOf": all })),
            schemas().prop_map(|all| json!({ "allOf": all })),
            schemas().prop_map(|all| json!({ "prefixItems": all, "items": false })),
            (inner.clone(), 0_u8..3).prop_map(|(item, max)| json!({ "items": item, "maxItems": max })),
            inner.clone().prop_map(|rest| json!({ "additionalProperties": rest })),
        ];
        vec(keyword, 1..3).prop_map(|all| {
            let fields = all.into_iter().filter_map(|one| one.as_object().cloned());
            fields.flatten().collect::<Value>()
        })
    })
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_step_is_ready_before_its_inputs(before in acyclic(), picks in vec(any::<prop::sample::Index>(), 24)) {
        let count = before.len();
        let checked = dag(&before).check(&Value::Null, &visible()).unwrap();
        let (mut done, mut outputs) = (BTreeSet::new(), BTreeMap::new());
        for pick in picks.iter().take(count) {
            let ready = checked.ready(&done);
            for step in &ready {
                prop_assert!(!done.contains(&step.id));
                prop_assert!(checked.input(&step.id, &Value::Null, &outputs).is_ok());
            }
            for waiting in checked.plan().steps.iter().filter(|step| !done.contains(&step.id)) {
                let is_ready = ready.iter().any(|step| step.id == waiting.id);
                prop_assert_eq!(checked.input(&waiting.id, &Value::Null, &outputs).is_ok(), is_ready);
            }
            let next = ready[pick.index(ready.len())].id.clone();
            outputs.insert(next.clone(), json!({ "x": 1 }));
            done.insert(next);
        }
        // Every order finishes all steps.
        prop_assert_eq!(done.len(), count);
        prop_assert_eq!(checked.waves().iter().map(Vec::len).sum::<usize>(), count);
    }

    #[test]
    fn an_offer_keeps_the_order_of_the_peers_steps(before in acyclic()) {
        let checked = dag(&before).check(&Value::Null, &visible()).unwrap();
        let Some(offer) = checked.part_for(ADA) else { return Ok(()) };
        prop_assert!(offer.steps.iter().all(|step| step.skill == name("takes")));
        let offer = offer.check(Plan::STEPS).unwrap();
        let own: BTreeSet<_> = offer.offer().steps.iter().map(|step| step.id.clone()).collect();
        // All steps that a step waits for, in the plan and in the offer.
        let all = |id: &str, needs: &dyn Fn(&str) -> Vec<String>| {
            let (mut open, mut found) = (needs(id), BTreeSet::new());
            while let Some(id) = open.pop() {
                if found.insert(id.clone()) {
                    open.extend(needs(&id));
                }
            }
            found
        };
        let in_plan = |id: &str| checked.needs(&name(id)).map(ToString::to_string).collect::<Vec<_>>();
        let in_offer = |id: &str| {
            offer.step(&name(id)).unwrap().after.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for id in &own {
            let expected: BTreeSet<_> =
                all(id.as_str(), &in_plan).into_iter().filter(|id| own.contains(&name(id))).collect();
            prop_assert_eq!(all(id.as_str(), &in_offer), expected);
        }
    }

    #[test]
    fn a_cycle_is_always_found(before in acyclic(), ends in any::<[prop::sample::Index; 2]>()) {
        let mut before = before;
        let [a, b] = ends.map(|end| end.index(before.len()));
        let (first, last) = (a.min(b), a.max(b));
        // A path from the first to the last, and one back.
        for i in first..last {
            before[i + 1].insert(i);
        }
        before[first].insert(last);
        let error = dag(&before).check(&Value::Null, &visible()).unwrap_err();
        let [Problem::Cycle(cycle)] = error.problems() else { panic!("{error}") };
        prop_assert!(cycle.len() >= 2 && cycle.first() == cycle.last());
        for pair in cycle.windows(2) {
            let [from, to] = [&pair[0], &pair[1]].map(|id| id.as_str()[1..].parse::<usize>().unwrap());
            prop_assert!(before[to].contains(&from), "{:?}", cycle);
        }
    }

    #[test]
    fn a_plan_survives_being_stored(before in acyclic()) {
        let plan = dag(&before);
        let stored = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan>(&stored).unwrap(), &plan);
        prop_assert_eq!(Plan::read(&stored, &visible()).unwrap(), plan);
    }

    #[test]
    fn a_template_is_written_as_it_is_read(value in value()) {
        if let Ok(template) = Template::new(value.clone()) {
            prop_assert_eq!(template.to_value(), value.clone());
        }
        // A literal means itself, even if it looks like a reference.
        let literal = Template::literal(value);
        prop_assert!(literal.references().is_empty());
        prop_assert_eq!(&Template::new(literal.to_value()).unwrap(), &literal);
    }

    #[test]
    fn a_literal_arrives_as_it_is(value in value()) {
        let mut plan = dag(&[BTreeSet::new()]);
        plan.steps[0].input = Template::literal(value.clone());
        let checked = plan.check(&Value::Null, &visible()).unwrap();
        prop_assert_eq!(checked.input(&name("s0"), &Value::Null, &BTreeMap::new()).unwrap(), value);
    }

    /// A refused plan can never work: no value of the output's schema makes an input that fits.
    #[test]
    fn only_inputs_that_cannot_fit_are_refused(output in schema(), input in schema(), values in vec(value_of(), 8)) {
        let (Ok(gives), Ok(takes)) = (Schema::new(output.clone()), Schema::new(input.clone())) else {
            return Ok(());
        };
        let refused = pair(output.clone(), input.clone(), json!({ "$from": "one" })).is_err();
        for value in values {
            // Empty lists, nulls and fields that no schema names do not count.
            if refused && is_telling(&value) && gives.check(&value).is_ok() && !names_more(&output, &value) {
                prop_assert!(takes.check(&value).is_err(), "{} fits {} and {}", value, output, input);
            }
        }
    }

    #[test]
    fn every_check_ends(output in schema(), input in schema(), at in "(/[abc0-1]){0,3}", literal in value()) {
        for second in [
            json!({ "$from": "one", "at": at }),
            json!({ "a": { "$from": "one", "at": at }, "b": [{ "$from": "one" }], "c": 1 }),
        ] {
            let _ = pair(output.clone(), input.clone(), second);
        }
        let literal = Template::literal(literal);
        let beside = Template::object([
            ("a".to_owned(), literal),
            ("b".to_owned(), Template::new(json!({ "$from": "one" })).unwrap()),
        ]);
        let _ = pair(output, input, beside.to_value());
    }

    #[test]
    fn a_pointer_to_a_field_finds_it(field in any::<String>()) {
        if let Some(at) = Pointer::field(&field) {
            let value = json!({ field.as_str(): 7 });
            prop_assert_eq!(at.find(&value), Some(&json!(7)));
            prop_assert_eq!(at.names().collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn the_same_goal_always_makes_the_same_plan(
        words in vec(
            prop_oneof![
                "(summarize|translate|redact|invoice|quote|after|before|into|German|French|and|then|Ada|Bob|both)",
                "[a-zäöü,.:;\"“” 译成德语总结并]{1,8}",
                any::<String>(),
            ],
            0..12,
        ),
        input in prop_oneof![Just(Value::Null), Just(json!("A text")), value()],
    ) {
        let Ok(text) = Text::new(words.join(" ")) else { return Ok(()) };
        let goal = Goal { text, input };
        let brief = |planned: Result<coworker_plan::Planned, coworker_plan::NoPlan>| match planned {
            Ok(planned) => vec![format!("{planned:?}")],
            Err(no) => vec![no.to_string(), no.hint()],
        };
        prop_assert_eq!(brief(plan_from_words(&goal, &crowd())), brief(plan_from_words(&goal, &crowd())));
    }
}

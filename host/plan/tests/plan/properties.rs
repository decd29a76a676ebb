//! What holds for every plan, template and pointer.

use std::collections::{BTreeMap, BTreeSet};

use coworker_plan::{Agent, Goal, Plan, Pointer, Problem, Shown, Template, plan_from_words};
use coworker_policy::Text;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::crowd::crowd;
use crate::fixture::{ADA, cases, name, plain, showing, steps};

fn shown() -> Shown {
    let takes = plain("takes", json!({}), json!({}));
    Shown::new([showing(Agent::Me, "Mo", vec![takes.clone()]), showing(Agent::Peer(ADA), "Ada", vec![takes])])
}

/// A plan where step `i` takes the outputs of the steps `before[i]`.
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

/// Any JSON, often with what looks like a reference.
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

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_step_is_ready_before_what_it_takes(before in acyclic(), picks in vec(any::<prop::sample::Index>(), 24)) {
        let count = before.len();
        let checked = dag(&before).check(&Value::Null, &shown()).unwrap();
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
        // Whatever the order, all get done.
        prop_assert_eq!(done.len(), count);
        prop_assert_eq!(checked.waves().iter().map(Vec::len).sum::<usize>(), count);
    }

    #[test]
    fn a_peers_part_keeps_the_order_of_its_steps(before in acyclic()) {
        let checked = dag(&before).check(&Value::Null, &shown()).unwrap();
        let Some(offer) = checked.part_for(ADA) else { return Ok(()) };
        prop_assert!(offer.steps.iter().all(|step| step.skill == name("takes")));
        let offer = offer.check(Plan::STEPS).unwrap();
        let own: BTreeSet<_> = offer.offer().steps.iter().map(|step| step.id.clone()).collect();
        // What a step waits for in all, by the plan and by the offer.
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
    fn a_circle_is_always_found(before in acyclic(), ends in any::<[prop::sample::Index; 2]>()) {
        let mut before = before;
        let [a, b] = ends.map(|end| end.index(before.len()));
        let (first, last) = (a.min(b), a.max(b));
        // A way from the first to the last, and one back.
        for i in first..last {
            before[i + 1].insert(i);
        }
        before[first].insert(last);
        let error = dag(&before).check(&Value::Null, &shown()).unwrap_err();
        let [Problem::Circle(circle)] = error.problems() else { panic!("{error}") };
        prop_assert!(circle.len() >= 2 && circle.first() == circle.last());
        for pair in circle.windows(2) {
            let [from, to] = [&pair[0], &pair[1]].map(|id| id.as_str()[1..].parse::<usize>().unwrap());
            prop_assert!(before[to].contains(&from), "{:?}", circle);
        }
    }

    #[test]
    fn a_plan_survives_being_stored(before in acyclic()) {
        let plan = dag(&before);
        let stored = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan>(&stored).unwrap(), &plan);
        prop_assert_eq!(Plan::read(&stored, &shown()).unwrap(), plan);
    }

    #[test]
    fn a_template_is_written_as_it_is_read(value in value()) {
        if let Ok(template) = Template::new(value.clone()) {
            prop_assert_eq!(template.to_value(), value.clone());
        }
        // A literal means itself, whatever it looks like.
        let literal = Template::literal(value);
        prop_assert!(literal.references().is_empty());
        prop_assert_eq!(&Template::new(literal.to_value()).unwrap(), &literal);
    }

    #[test]
    fn a_literal_arrives_as_it_is(value in value()) {
        let mut plan = dag(&[BTreeSet::new()]);
        plan.steps[0].input = Template::literal(value.clone());
        let checked = plan.check(&Value::Null, &shown()).unwrap();
        prop_assert_eq!(checked.input(&name("s0"), &Value::Null, &BTreeMap::new()).unwrap(), value);
    }

    #[test]
    fn no_schema_makes_a_check_fail_to_end(output in value(), input in value(), at in "(/[a-c0-1]){0,3}") {
        let cards = vec![plain("gives", json!({}), output), plain("takes", input, json!({}))];
        let shown = Shown::new([showing(Agent::Me, "Mo", cards)]);
        let second = json!({ "a": { "$from": "one", "at": at }, "b": 1 });
        let plan = steps(&[("one", Agent::Me, "gives", json!({})), ("two", Agent::Me, "takes", second)]);
        let _ = plan.check(&Value::Null, &shown);
    }

    #[test]
    fn a_pointer_finds_each_field_it_is_made_for(field in any::<String>()) {
        if let Some(at) = Pointer::field(&field) {
            let value = json!({ field.as_str(): 7 });
            prop_assert_eq!(at.find(&value), Some(&json!(7)));
            prop_assert_eq!(at.names().collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn any_goal_makes_a_plan_or_none_and_always_the_same(
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
            Ok(planned) => planned.checked.lines(&crowd()),
            Err(no) => vec![no.to_string(), no.hint()],
        };
        prop_assert_eq!(brief(plan_from_words(&goal, &crowd())), brief(plan_from_words(&goal, &crowd())));
    }
}

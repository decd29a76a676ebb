use coworker_plan::{Agent, Goal, Plan, plan_from_words};
use coworker_policy::Text;
use serde_json::{Value, json};

use crate::crowd::crowd;
use crate::fixture::steps;

fn lines(plan: &Plan) -> String {
    let step = |step: &coworker_plan::Step| format!("{}: {}", step.id, step.input.lines().join(", "));
    plan.steps.iter().map(step).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_input_shows_where_each_part_of_it_comes_from() {
    let text =
        Text::new("Redact the letter,\n\tsummarize it, then translate it into German, French and Italian")
            .unwrap();
    let goal = Goal { text, input: json!("Dear Ms Lee") };
    let planned = plan_from_words(&goal, &crowd()).unwrap();
    insta::assert_snapshot!(lines(planned.checked.plan()));
}

#[test]
fn rendered_lines_contain_no_control_characters() {
    let wide: serde_json::Map<String, Value> = (0..40).map(|i| (format!("field{i}"), json!(i))).collect();
    let plan = steps(&[
        (
            "a",
            Agent::Me,
            "takes",
            json!({ "x\u{1b}[2J\n": "\u{202e}evil\u{1b}]0;\u{7}", "long": "y".repeat(500), "z ← goal, y": 1 }),
        ),
        ("b", Agent::Me, "takes", wide.into()),
        (
            "c",
            Agent::Me,
            "takes",
            json!({ "deep": [{ "er": { "$from": "b", "at": "/x/y" } }], "all": { "$from": "goal" } }),
        ),
        ("d", Agent::Me, "takes", json!({ "$from": "a" })),
    ]);
    for line in plan.steps.iter().flat_map(|step| step.input.lines()) {
        assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line:?}");
        assert!(line.chars().count() < 300, "{line}");
    }
    insta::assert_snapshot!(lines(&plan));
}

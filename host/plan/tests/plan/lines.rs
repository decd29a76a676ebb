use coworker_plan::{Agent, Goal, Shown, plan_from_words};
use coworker_policy::Text;
use serde_json::{Value, json};

use crate::crowd::crowd;
use crate::fixture::{ADA, name, plain, showing, steps};

#[test]
fn a_plan_shows_who_does_what_from_what_and_what_runs_at_once() {
    let text =
        Text::new("Redact the letter,\n\tsummarize it, then translate it into German, French and Italian")
            .unwrap();
    let goal = Goal { text, input: json!("Dear Ms Lee") };
    let planned = plan_from_words(&goal, &crowd()).unwrap();
    insta::assert_snapshot!(planned.checked.lines(&crowd()).join("\n"));
}

#[test]
fn nothing_that_is_shown_can_mislead() {
    let takes = plain("takes", json!({}), json!({}));
    let shown = Shown::new([
        showing(Agent::Me, "Mo", vec![takes.clone()]),
        showing(Agent::Peer(ADA), "Ada", vec![takes]),
    ]);
    let wide: serde_json::Map<String, Value> = (0..40).map(|i| (format!("field{i}"), json!(i))).collect();
    let mut plan = steps(&[
        (
            "a",
            Agent::Me,
            "takes",
            json!({ "x\u{1b}[2J\n": "\u{202e}evil\u{1b}]0;\u{7}", "long": "y".repeat(500), "z ← goal, y": 1 }),
        ),
        ("b", Agent::Peer(ADA), "takes", wide.into()),
        (
            "c",
            Agent::Me,
            "takes",
            json!({ "deep": [{ "er": { "$from": "b", "at": "/x/y" } }], "all": { "$from": "goal" } }),
        ),
        ("d", Agent::Me, "takes", json!({ "$from": "a" })),
    ]);
    plan.steps[3].after = vec![name("c")];
    plan.key_results[0].text = Text::new("Done\n  fake  Mo/takes").unwrap();
    let checked = plan.check(&json!(1), &shown).unwrap();
    let lines = checked.lines(&shown);
    for line in &lines {
        assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line:?}");
        assert!(line.chars().count() < 600, "{line}");
    }
    insta::assert_snapshot!(lines.join("\n"));
}

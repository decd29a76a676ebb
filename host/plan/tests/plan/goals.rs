//! Goals in people's words, and their plans without a model.

use coworker_plan::{Agent, AgentSkills, Goal, NoPlan, Planned, Planner, VisibleSkills, plan_from_words};
use coworker_policy::Text;
use serde_json::{Value, json};

use crate::crowd::{crowd, summarize, translate};
use crate::fixture::{ADA, BOB, agent_skills, name, object, plain, text};

fn goal(words: &str, input: &Value) -> Goal {
    Goal { text: Text::new(words).unwrap(), input: input.clone() }
}

fn planned(words: &str, input: &Value) -> Result<Planned, NoPlan> {
    plan_from_words(&goal(words, input), &crowd())
}

/// Writes each step as `id@agent field=source…`, separated by ` | `, or by ` & ` if they run at the same time.
fn brief(planned: &Planned) -> String {
    let visible = crowd();
    let step = |step: &&coworker_plan::Step| {
        let agent = visible.of(&step.agent).map_or("?".to_owned(), |entry| entry.name.to_string());
        let fields = match step.input.to_value() {
            Value::Object(fields) if !fields.contains_key("$from") => fields,
            other => [(String::new(), other)].into_iter().collect(),
        };
        let fields = fields.iter().map(|(name, value)| format!(" {name}={}", source(value)));
        format!("{}@{agent}{}", step.id, fields.collect::<String>())
    };
    let waves = planned.checked.waves();
    waves
        .iter()
        .map(|wave| wave.iter().map(step).collect::<Vec<_>>().join(" & "))
        .collect::<Vec<_>>()
        .join(" | ")
}

fn source(value: &Value) -> String {
    match value.get("$from") {
        Some(from) => {
            format!(
                "{}{}",
                from.as_str().unwrap(),
                value.get("at").and_then(Value::as_str).unwrap_or_default()
            )
        }
        None => value.to_string(),
    }
}

const LETTER: &str = "\"Dear Ms Lee, call me on 030 1234567.\"";
const ORDER: &str = r#"{ "customer": "ACME", "items": [{ "sku": "a", "count": 2 }] }"#;

/// A goal, its input as JSON, and the expected plan.
const GOALS: &[(&str, &str, &str)] = &[
    ("Summarize this letter", LETTER, "summarize@Mo text=goal"),
    ("Please give me a short summary in 5 sentences", LETTER, "summarize@Mo sentences=5 text=goal"),
    ("TL;DR: summarise", LETTER, "summarize@Mo text=goal"),
    ("Translate the letter to French", LETTER, "translate@Ada target_language=\"fr\" text=goal"),
    (
        "Translate the letter from English into German",
        LETTER,
        "translate@Ada source_language=\"en\" target_language=\"de\" text=goal",
    ),
    ("Let Bob translate it to Spanish", LETTER, "translate@Bob target_language=\"es\" text=goal"),
    ("a French translation, by Bob", LETTER, "translate@Bob target_language=\"fr\" text=goal"),
    (
        "Redact the letter and translate it to German",
        LETTER,
        "redact@Mo text=goal | translate@Ada target_language=\"de\" text=redact/text",
    ),
    (
        "Redact it, summarize it, then translate the summary into Chinese",
        LETTER,
        "redact@Mo text=goal | summarize@Mo text=redact/text | translate@Ada target_language=\"zh\" \
             text=summarize/summary",
    ),
    (
        "Translate the letter to German after redacting it",
        LETTER,
        "redact@Mo text=goal | translate@Ada target_language=\"de\" text=redact/text",
    ),
    (
        "Before translating it to German, redact the letter",
        LETTER,
        "redact@Mo text=goal | translate@Ada target_language=\"de\" text=redact/text",
    ),
    (
        "Translate this into German, French and Japanese",
        LETTER,
        "translate-de@Ada target_language=\"de\" text=goal & translate-fr@Ada target_language=\"fr\" text=goal & \
             translate-ja@Ada target_language=\"ja\" text=goal",
    ),
    (
        "Summarize the letter and translate it into German and French",
        LETTER,
        "summarize@Mo text=goal | translate-de@Ada target_language=\"de\" text=summarize/summary & \
             translate-fr@Ada target_language=\"fr\" text=summarize/summary",
    ),
    (
        "Review and summarize the letter, both separately",
        LETTER,
        "review@Ada text=goal & summarize@Mo text=goal",
    ),
    (
        "Translate \"good morning\" to Italian",
        "null",
        "translate@Ada target_language=\"it\" text=\"good morning\"",
    ),
    (
        "Translate to German: please review the invoice",
        "null",
        "translate@Ada target_language=\"de\" text=\"please review the invoice\"",
    ),
    ("Research quantum computing", "null", "research@Ada query=\"quantum computing\""),
    (
        "Research heat pumps, summarize the findings and translate them to German",
        "null",
        "research@Ada query=\"heat pumps\" | summarize@Mo text=research/findings | translate@Ada \
             target_language=\"de\" text=summarize/summary",
    ),
    (
        "Research lighthouses and draw a watercolor of one",
        "null",
        "research@Ada query=\"lighthouses\" | illustrate@Bob prompt=research/findings style=\"watercolor\"",
    ),
    ("Draw a picture", r#""A red lighthouse""#, "illustrate@Bob prompt=goal"),
    ("What does this cost?", ORDER, "quote@Bob items=goal/items"),
    (
        "Send me a quote and an invoice for this order",
        ORDER,
        "quote@Bob items=goal/items | invoice@Bob currency=quote/currency customer=goal/customer \
             items=goal/items total=quote/total",
    ),
    (
        "An invoice at the price that you quote",
        ORDER,
        "quote@Bob items=goal/items | invoice@Bob currency=quote/currency customer=goal/customer \
             items=goal/items total=quote/total",
    ),
    (
        "Transcribe the recording, redact it and summarize it in 3 sentences",
        r#"{ "audio": "AAAA" }"#,
        "transcribe@Chen audio=goal/audio | redact@Mo text=transcribe/transcript | summarize@Mo sentences=3 \
             text=redact/text",
    ),
    ("What is the mood of this?", LETTER, "feel-o-meter@Chen message=goal"),
    ("Weather forecast: Berlin", "null", "weather@Chen city=\"Berlin\""),
    ("Explain how trust works", "null", "about@Mo topic=\"trust\""),
    // In German.
    ("Fasse den Brief zusammen", LETTER, "summarize@Mo text=goal"),
    ("Zusammenfassung bitte", LETTER, "summarize@Mo text=goal"),
    (
        "Schwärze den Brief und übersetze ihn danach ins Französische",
        LETTER,
        "redact@Mo text=goal | translate@Ada target_language=\"fr\" text=redact/text",
    ),
    (
        "Übersetze den Brief aus dem Deutschen ins Englische, Bob",
        LETTER,
        "translate@Bob source_language=\"de\" target_language=\"en\" text=goal",
    ),
    ("Recherchiere Wärmepumpen", "null", "research@Ada query=\"Wärmepumpen\""),
    ("Was kostet das? Schick ein Angebot.", ORDER, "quote@Bob items=goal/items"),
    ("Prüfe den Text", LETTER, "review@Ada text=goal"),
    // In Chinese.
    ("总结这封信", LETTER, "summarize@Mo text=goal"),
    ("请把这封信翻译成德语", LETTER, "translate@Ada target_language=\"de\" text=goal"),
    (
        "先脱敏，然后总结，最后翻译成英文和法语",
        LETTER,
        "redact@Mo text=goal | summarize@Mo text=redact/text | translate-en@Ada target_language=\"en\" \
             text=summarize/summary & translate-fr@Ada target_language=\"fr\" text=summarize/summary",
    ),
    ("审查这份合同", LETTER, "hetong@Chen content=goal"),
    // In French and Spanish.
    ("Traduis la lettre en allemand", LETTER, "translate@Ada target_language=\"de\" text=goal"),
    ("Resumir la carta", LETTER, "summarize@Mo text=goal"),
    // An input whose fields are named.
    (
        "Translate and summarize",
        r#"{ "text": "Hello", "target_language": "sv", "sentences": 2 }"#,
        "translate@Ada target_language=goal/target_language text=goal/text | summarize@Mo \
             sentences=goal/sentences text=translate/translation",
    ),
    ("Summarize", r#"{ "article": "A long one", "year": 2026 }"#, "summarize@Mo text=goal/article"),
];

#[test]
fn goals_make_plans() {
    let mut wrong = Vec::new();
    for (words, input, expected) in GOALS {
        let input = serde_json::from_str(input).unwrap();
        let said =
            planned(words, &input).map_or_else(|no| format!("{no}: {}", no.hint()), |plan| brief(&plan));
        if said != *expected {
            wrong.push(format!("{words}\n  made: {said}\n  not:  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), GOALS.len(), wrong.join("\n"));
}

#[test]
fn goals_that_fit_nothing_make_no_plan() {
    for words in [
        "Bake a chocolate cake",
        "Book a flight to Paris",
        "Hello there",
        "",
        "?!",
        "42",
        "Wie geht es dir heute?",
        "今晚吃什么",
        "Make something good of this text",
        "the and of it",
    ] {
        let said = planned(words, &json!("A text")).map(|plan| brief(&plan));
        assert!(matches!(said, Err(NoPlan::NothingMatches { .. })), "{words}: {said:?}");
    }
    let hint = planned("Bake a cake", &Value::Null).unwrap_err().hint();
    assert!(hint.starts_with(
        "describe the work in the words of the skills (Mo/summarize, Mo/redact, Mo/about, Ada/"
    ));
    let nobody = plan_from_words(&goal("Summarize", &Value::Null), &VisibleSkills::default()).unwrap_err();
    assert_eq!(nobody.to_string(), "no agent shows a skill");
}

#[test]
fn an_input_without_a_value_is_named() {
    let none = |words| planned(words, &Value::Null).unwrap_err();
    let error = none("Summarize the letter");
    assert_eq!(error.to_string(), "`summarize` matches the goal, but its input `text` has no value");
    assert_eq!(error.hint(), "pass it as `--input '{\"text\": …}'`, or pass a text as `--input @FILE`");
    let error = planned("Translate it", &json!("A letter")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`translate` matches the goal, but its input `target_language` has no value"
    );
    assert!(matches!(none("Write an invoice"), NoPlan::NoInput { .. }));
}

#[test]
fn a_plan_lists_the_words_that_made_it() {
    let plan = planned("Bitte schwärze und übersetze es ins Englische, dann bezahle", &json!("x")).unwrap();
    assert_eq!(plan.by, Planner::Words);
    let because: Vec<_> = plan.because.iter().map(|b| (b.step.as_str(), b.words.join(" "))).collect();
    assert_eq!(because, [("redact", "schwärze".to_owned()), ("translate", "übersetze".to_owned())]);
    assert_eq!(plan.unmatched, ["bezahle"]);
    let plan = plan.checked.into_plan();
    assert_eq!(plan.steps[1].text.as_str(), "for “übersetze”");
    assert_eq!(plan.key_results[1].text.as_str(), "translate: Translates a text");
}

#[test]
fn of_two_agents_with_the_same_skill_the_named_one_wins_then_the_first() {
    let agent_skills = |agent, name| agent_skills(agent, name, vec![summarize(), translate()]);
    let agents = |list: &[AgentSkills], words: &str| {
        let visible = VisibleSkills::new(list.to_vec());
        let plan = plan_from_words(&goal(words, &json!("x")), &visible).unwrap().checked.into_plan();
        plan.steps.iter().map(|step| step.agent).collect::<Vec<_>>()
    };
    let (ada, bob) = (agent_skills(Agent::Peer(ADA), "Ada"), agent_skills(Agent::Peer(BOB), "Bob B."));
    let me = agent_skills(Agent::Me, "Mo");
    let (to_ada, to_bob) = (Agent::Peer(ADA), Agent::Peer(BOB));
    let list = [ada.clone(), bob.clone(), me.clone()];
    assert_eq!(agents(&list, "Summarize"), [to_ada]);
    assert_eq!(agents(&[bob, ada, me], "Summarize"), [to_bob]);
    assert_eq!(agents(&list, "bob b. is to summarize"), [to_bob]);
    assert_eq!(agents(&list, "Summarize it myself"), [Agent::Me]);
    assert_eq!(agents(&list, "Bob B. summarizes it, Ada translates it to German"), [to_bob, to_ada]);
    assert_eq!(agents(&list, "Ada translates it to German and Bob B. summarizes it"), [to_ada, to_bob]);
    assert_eq!(agents(&list, "With Bob B.: summarize it, then translate it to German"), [to_bob, to_bob]);
}

#[test]
fn a_more_special_skill_wins_only_if_the_goal_asks_for_it() {
    let takes = |name: &str| plain(name, object(json!({ "text": text() })), json!({ "type": "string" }));
    let cards = vec![takes("translate-legal"), takes("translate")];
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "Mo", cards)]);
    let taken = |words: &str| {
        let plan = plan_from_words(&goal(words, &json!("x")), &visible).unwrap().checked.into_plan();
        plan.steps.iter().map(|step| step.skill.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(taken("Translate the letter"), ["translate"]);
    assert_eq!(taken("Translate the contract"), ["translate-legal"]);
}

#[test]
fn skills_without_fields_take_whole_values() {
    let upper = plain("upcase", text(), text());
    let count = plain("tally", json!({}), json!({ "type": "integer" }));
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "Mo", vec![upper, count])]);
    let input = |words: &str, input: Value| {
        let plan = plan_from_words(&goal(words, &input), &visible).unwrap().checked.into_plan();
        plan.steps.iter().map(|step| step.input.to_value()).collect::<Vec<_>>()
    };
    assert_eq!(input("upcase", json!("x")), [json!({ "$from": "goal" })]);
    assert_eq!(input("upcase \"abc\"", Value::Null), [json!("abc")]);
    assert_eq!(input("tally", json!({ "a": 1 })), [json!({ "$from": "goal" })]);
    assert_eq!(input("tally", Value::Null), [json!({})]);
}

#[test]
fn a_step_is_never_called_goal() {
    let goal_skill = plain("goal", object(json!({ "text": text() })), text());
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "Mo", vec![goal_skill])]);
    let plan = plan_from_words(&goal("goal", &json!("x")), &visible).unwrap().checked.into_plan();
    assert_eq!((&plan.steps[0].skill, &plan.steps[0].id), (&name("goal"), &name("goal-2")));
}

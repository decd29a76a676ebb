//! Two agents that serve, on loopback: what a peer gets, and what it is refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::guest;
use crate::stage::{Agent, Outcome, Serve, Stage, eventually};

const LETTER: &str = r#"{"text": "Write to jo.ann@example.org, please."}"#;

/// ada and bob serve; bob is connected to ada, who thinks of him what `tier` says.
struct Pair {
    ada: Agent,
    bob: Agent,
    _serving: [Serve; 2],
    stage: Stage,
}

impl Pair {
    fn new(tier: &str, skills: &[(&str, Option<&str>)]) -> Self {
        let stage = Stage::new();
        let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
        for (skill, from) in skills {
            ada.installs(skill, *from);
        }
        let serving = [ada.serve(), bob.serve()];
        bob.connects(&ada);
        ada.does(&["trust", "set", "bob", tier]);
        Self { ada, bob, _serving: serving, stage }
    }

    fn calls(&self, skill: &str, input: &str) -> Outcome {
        self.bob.run(&["call", "ada", skill, input])
    }

    #[track_caller]
    fn refused(&self, skill: &str, input: &str, code: &str) {
        self.bob.fails(&["call", "ada", skill, input], 1, code);
    }

    /// Skills that bob is shown.
    fn shown(&self) -> Vec<String> {
        let discovered = self.bob.does(&["inspect", "ada"]);
        let names = discovered["skills"]
            .as_array()
            .unwrap()
            .iter()
            .map(|card| card["name"].as_str().unwrap().to_owned());
        names.collect()
    }
}

#[test]
fn a_call_is_answered_and_the_audit_log_has_its_permit() {
    let pair = Pair::new("known", &[("redact", Some("known"))]);
    let called = pair.calls("redact", LETTER).document;
    assert_eq!(called["output"]["text"], "Write to [email], please.", "{called}");
    assert_eq!(called["output"]["masked"][0]["kind"], "email", "{called}");

    let log = pair.ada.does(&["audit", "log", "--peer", "bob", "--skill", "redact"]);
    let [entry] = log["entries"].as_array().unwrap().as_slice() else { panic!("one entry: {log}") };
    assert_eq!((&entry["event"], &entry["task"]), (&"call".into(), &called["id"]), "{entry}");
    assert_eq!((&entry["peer_name"], &entry["detail"]["outcome"]), (&"bob".into(), &"ok".into()), "{entry}");
    let permit = &entry["permit"];
    assert_eq!((&permit["tier"], &permit["caller"]), (&"known".into(), &entry["peer"]), "{entry}");
    assert_eq!(permit["grants"], json!(["log"]), "what it imports, of what its caller's tier has");
    for limit in ["fuel", "wall_ms", "memory_bytes", "output_bytes"] {
        assert!(permit["limits"][limit].as_u64().unwrap() > 0, "{entry}");
    }
    let (used, duration) = (entry["detail"]["fuel_used"].as_u64(), entry["detail"]["duration_ms"].as_f64());
    assert!(used.unwrap() > 0 && used < permit["limits"]["fuel"].as_u64(), "{entry}");
    assert!(duration.unwrap() > 0.0, "{entry}");
    assert!(!log.to_string().contains("jo.ann"), "the log does not keep what the call was about: {log}");
}

#[test]
fn hidden_too_high_and_never_existing_skills_are_refused_alike() {
    let pair = Pair::new("known", &[("redact", None), ("summarize", Some("internal"))]);
    let answers = |input: &str| {
        ["redact", "summarize", "no-such-skill", "../redact", ""].map(|skill| {
            let answer = pair.calls(skill, input);
            assert_eq!(answer.exit, 1, "{}", answer.stdout);
            answer.stdout
        })
    };
    let fits = answers(LETTER);
    assert!(fits[0].contains("UNKNOWN_SKILL"), "{}", fits[0]);
    assert!(fits.iter().all(|answer| *answer == fits[0]), "{fits:#?}");
    // Were the schema looked at first, it would tell which skills are there.
    assert_eq!(answers(r#"{"txet": 1}"#), fits);
    assert_eq!(pair.shown(), Vec::<String>::new());
}

#[test]
fn what_the_schema_does_not_take_is_refused_and_invalid_json_is_not_sent() {
    let pair = Pair::new("known", &[("redact", Some("known"))]);
    for input in [r#"{"txet": "hello"}"#, "[]", r#"{"text": 1}"#] {
        pair.refused("redact", input, "INVALID_INPUT");
    }
    pair.bob.fails(&["call", "ada", "redact", "{text: 1}"], 2, "USAGE");
    pair.bob.fails(&["call", "carol", "redact", LETTER], 1, "NOT_CONNECTED");
    let log = pair.ada.does(&["audit", "log", "--skill", "redact"]);
    let refused = |entry: &&Value| entry["event"] == "call_refused";
    assert_eq!(log["entries"].as_array().unwrap().iter().filter(refused).count(), 3, "{log}");
    let last = pair.ada.does(&["trust", "log", "bob"])["entries"][0].take();
    assert_eq!(last["reason"], "caller_row:malformed", "three in a row cost a step: {last}");
    pair.ada.does(&["trust", "set", "bob", "known"]);
    assert_eq!(pair.calls("redact", LETTER).exit, 0);
}

#[test]
fn the_owners_word_counts_at_once_while_serving() {
    let pair = Pair::new("known", &[]);
    pair.ada.installs("redact", None);
    pair.refused("redact", LETTER, "UNKNOWN_SKILL");
    assert_eq!(pair.ada.does(&["skill", "list"])["skills"][0]["listing"], "hidden");
    let works =
        || assert_eq!((pair.calls("redact", LETTER).exit, pair.shown()), (0, vec!["redact".to_owned()]));
    let gone = || {
        pair.refused("redact", LETTER, "UNKNOWN_SKILL");
        assert_eq!(pair.shown(), Vec::<String>::new());
    };

    pair.ada.does(&["skill", "expose", "redact", "--from", "known"]);
    works();
    pair.ada.does(&["trust", "remove", "bob"]);
    gone();
    pair.ada.does(&["trust", "set", "bob", "known"]);
    works();
    pair.ada.does(&["skill", "hide", "redact"]);
    gone();
    pair.ada.does(&["skill", "expose", "redact", "--from", "known"]);
    works();
    pair.ada.does(&["skill", "remove", "redact", "--yes"]);
    gone();
}

/// Starts a call that would run to its limit of ten seconds, does `then`, and returns bob's error.
fn interrupted(pair: &Pair, then: &[&str]) -> Value {
    let running = || {
        let log = pair.ada.does(&["audit", "log", "--skill", "guest", "--limit", "1"]);
        (log["entries"][0]["event"] == "call_permitted").then_some(())
    };
    std::thread::scope(|scope| {
        let call = scope.spawn(|| pair.calls("guest", "null"));
        eventually(Duration::from_secs(5), running).unwrap();
        pair.ada.does(then);
        let ended = || call.is_finished().then_some(());
        eventually(Duration::from_secs(3), ended).unwrap();
        let outcome = call.join().unwrap();
        assert_eq!(outcome.exit, 1, "{}", outcome.stdout);
        outcome.document["error"].clone()
    })
}

#[test]
fn trust_that_is_taken_away_and_a_skill_that_is_hidden_stop_what_runs() {
    let pair = Pair::new("known", &[]);
    let file = pair.stage.path().join("guest.wasm");
    std::fs::write(&file, guest::never_ending()).unwrap();
    pair.ada.does(&["skill", "add", &file.to_string_lossy(), "--yes", "--expose"]);

    for (take, give) in [
        (["trust", "remove", "bob"].as_slice(), ["trust", "set", "bob", "known"].as_slice()),
        (&["skill", "hide", "guest"], &["skill", "expose", "guest"]),
    ] {
        let error = interrupted(&pair, take);
        let never = pair.calls("no-such-skill", "null").document["error"].take();
        assert_eq!(error, never, "{take:?}");
        let log = pair.ada.does(&["audit", "log", "--skill", "guest"]);
        let ended = |entry: &&Value| entry["event"] == "call";
        let entry = log["entries"].as_array().unwrap().iter().find(ended).unwrap();
        assert!(entry["detail"]["duration_ms"].as_f64().unwrap() < 9_000.0, "{entry}");
        pair.ada.does(give);
    }
}

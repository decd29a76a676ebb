//! Requests that nobody waits for: either side may be away, and there is one run and its result.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Agent, Stage, eventually};

const LETTER: &str = r#"{"text": "Write to jo.ann@example.org, please."}"#;
const LIMIT: Duration = Duration::from_secs(30);

/// ada serves and goes away again; bob, who does not serve, is connected to her.
fn pair(stage: &Stage) -> (Agent, Agent) {
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let _serving = ada.serve();
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    bob.does(&["inspect", "ada", "redact"]);
    (ada, bob)
}

fn task(agent: &Agent, id: &str) -> Option<Value> {
    let tasks = agent.does(&["tasks", "--all"]);
    tasks["tasks"].as_array().unwrap().iter().find(|task| task["id"] == id).cloned()
}

fn state(agent: &Agent, id: &str) -> String {
    task(agent, id).map_or_else(String::new, |task| task["state"].as_str().unwrap().to_owned())
}

/// How often the task ran to its end.
fn runs(ada: &Agent, id: &str) -> usize {
    let log = ada.does(&["audit", "log", "--skill", "redact"]);
    let ended = |entry: &&Value| entry["event"] == "call" && entry["task"] == id;
    log["entries"].as_array().unwrap().iter().filter(ended).count()
}

#[test]
fn a_request_is_answered_though_each_side_goes_away() {
    let stage = Stage::new();
    let (ada, bob) = pair(&stage);
    let asked = bob.does(&["request", "ada", "redact", LETTER]);
    let id = asked["id"].as_str().unwrap();
    assert_eq!(asked["sent"], false, "{asked}");
    assert_eq!(state(&bob, id), "waiting");
    bob.fails(&["result", id], 3, "DEADLINE");
    // What ada showed is still there, and says how old it is.
    let shown = bob.does(&["inspect", "ada", "--timeout", "1"]);
    assert!(shown["cached_ms"].is_i64() && shown["skills"][0]["hash"].is_string(), "{shown}");

    let caller = bob.serve();
    let _serving = ada.serve();
    eventually(LIMIT, || task(&ada, id)).expect("ada has it");
    caller.kill_9();
    eventually(LIMIT, || (runs(&ada, id) == 1).then_some(())).expect("it runs though bob is gone");
    let caller = bob.serve();
    let came = bob.does(&["result", &id[..8], "--wait", "--timeout", "30"]);
    assert_eq!(came["output"]["text"], "Write to [email], please.", "{came}");
    drop(caller);
    // It is kept, and ada is not needed for it.
    assert_eq!(bob.does(&["result", id])["output"], came["output"]);
    assert_eq!((state(&bob, id).as_str(), runs(&ada, id)), ("done", 1));
    eventually(LIMIT, || (state(&ada, id) == "done").then_some(())).expect("ada is rid of the answer");
}

#[test]
fn commands_alone_send_a_request_and_fetch_its_result_and_take_one_back() {
    let stage = Stage::new();
    let (ada, bob) = pair(&stage);
    let taken_back = bob.does(&["request", "ada", "redact", LETTER]);
    let id = taken_back["id"].as_str().unwrap();
    bob.does(&["cancel", &id[..8]]);
    assert_eq!(state(&bob, id), "cancelled");
    bob.fails(&["result", id], 1, "CANCELLED");

    let _serving = ada.serve();
    let asked = bob.does(&["request", "ada", "redact", LETTER, "--version", "*", "--expires", "1h"]);
    assert_eq!(asked["sent"], true, "{asked}");
    let next = asked["id"].as_str().unwrap();
    let came = bob.does(&["result", next, "--wait", "--timeout", "30"]);
    assert_eq!(came["output"]["masked"][0]["kind"], "email", "{came}");
    assert_eq!((task(&ada, id), runs(&ada, next)), (None, 1));

    bob.fails(&["call", "ada", "redact", LETTER, "--version", "99.0.0"], 1, "VERSION_MISMATCH");
    let wrong = bob.run(&["call", "ada", "hidden", LETTER, "--version", "99.0.0"]);
    assert_eq!(wrong.document["error"]["code"], "UNKNOWN_SKILL", "{}", wrong.stdout);
    let hidden = bob.does(&["request", "ada", "hidden", LETTER]);
    bob.fails(&["result", hidden["id"].as_str().unwrap(), "--wait"], 1, "UNKNOWN_SKILL");
}

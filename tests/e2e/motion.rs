//! Calls that take a while: what is told meanwhile, and how they are called off.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::guest;
use crate::stage::{Agent, Serve, Stage, eventually};

const SOON: Duration = Duration::from_secs(10);

/// ada and bob serve; bob may call ada's `guest`.
struct Pair {
    ada: Agent,
    bob: Agent,
    _serving: [Serve; 2],
    _stage: Stage,
}

impl Pair {
    fn new(wasm: &[u8]) -> Self {
        let stage = Stage::new();
        let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
        let file = stage.path().join("guest.wasm");
        std::fs::write(&file, wasm).unwrap();
        ada.does(&["skill", "add", &file.to_string_lossy(), "--yes"]);
        ada.does(&["skill", "expose", "guest", "--from", "known"]);
        let serving = [ada.serve(), bob.serve()];
        bob.connects(&ada);
        ada.does(&["trust", "set", "bob", "privileged"]);
        Self { ada, bob, _serving: serving, _stage: stage }
    }

    /// The id of the call that runs at ada's.
    fn running(&self) -> String {
        let running = || {
            let log = self.ada.does(&["audit", "log", "--skill", "guest", "--limit", "1"]);
            let entry = &log["entries"][0];
            (entry["event"] == "call_permitted").then(|| entry["task"].as_str().unwrap().to_owned())
        };
        eventually(SOON, running).unwrap()
    }

    fn expect_cancelled(&self) {
        let cancelled = || {
            let log = self.ada.does(&["audit", "log", "--skill", "guest"]);
            let entries = log["entries"].as_array().unwrap();
            entries.iter().any(|entry| entry["event"] == "call_cancelled").then_some(())
        };
        eventually(SOON, cancelled).unwrap();
    }
}

#[test]
fn what_a_skill_tells_is_a_line_each_and_the_last_is_the_answer() {
    let pair = Pair::new(&guest::tells());
    for words in [["call", "ada", "guest", "[7]"].as_slice(), &["skill", "run", "guest", "[7]"]] {
        let agent = if words[0] == "call" { &pair.bob } else { &pair.ada };
        let output = agent.lines(&[words, &["--stream"]].concat());
        let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (last, told) = lines.split_last().unwrap();
        assert_eq!((&last["ok"], &last["output"]), (&true.into(), &serde_json::json!([7])), "{output}");
        let parts = told.iter().filter(|line| line["event"] == "partial");
        assert!(parts.map(|line| line["index"].as_u64()).eq([Some(0), Some(1)]), "{output}");
        assert_eq!(told.last().unwrap()["percent"], 100, "{output}");
        assert!(told.iter().all(|line| line["id"] == last["id"]), "{output}");
        assert_eq!(
            agent.does(words)["output"],
            serde_json::json!([7]),
            "one document, if nothing else is said"
        );
    }
}

#[test]
fn a_call_is_cancelled_by_its_id_from_another_terminal() {
    let pair = Pair::new(&guest::never_ending());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| pair.bob.run(&["call", "ada", "guest", "null"]));
        let id = pair.running();
        let cancelled = pair.bob.does(&["cancel", &id[..8]]);
        assert_eq!(cancelled["id"], id.as_str());
        let outcome = call.join().unwrap();
        assert_eq!((outcome.exit, &outcome.document["error"]["code"]), (1, &"CANCELLED".into()));
        pair.expect_cancelled();
        pair.bob.fails(&["cancel", &id], 2, "USAGE");
    });
}

#[test]
fn ctrl_c_takes_the_call_back() {
    let pair = Pair::new(&guest::never_ending());
    let call = pair.bob.starts(&["call", "ada", "guest", "null"]);
    pair.running();
    let sent = Command::new("sh").args(["-c", &format!("kill -s INT {}", call.id())]).status();
    assert!(sent.unwrap().success());
    let output = call.wait_with_output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &document["error"]["code"]),
        (Some(1), &"CANCELLED".into()),
        "{document}"
    );
    pair.expect_cancelled();
}

#[test]
fn who_is_killed_wants_no_answer() {
    let pair = Pair::new(&guest::never_ending());
    let mut call = pair.bob.starts(&["call", "ada", "guest", "null"]);
    pair.running();
    call.kill().unwrap();
    call.wait().unwrap();
    pair.expect_cancelled();
}

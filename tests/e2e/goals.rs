//! Goals over three processes, of which any may be killed in the middle.

use std::time::Duration;

use serde_json::{Value, json};

use crate::receipts::complete;
use crate::stage::{Agent, Serve, Stage, eventually};

const LIMIT: Duration = Duration::from_secs(40);
/// Summaries that bob makes one after the other, four at once.
const SUMMARIES: usize = 8;

/// cy has a goal with ada, who redacts, and bob, who summarizes; all trust each other as INTERNAL.
struct Cast {
    stage: Stage,
    ada: Agent,
    bob: Agent,
    cy: Agent,
}

fn cast() -> (Cast, [Serve; 2]) {
    let stage = Stage::new();
    let (ada, bob, cy) = (stage.agent("ada"), stage.agent("bob"), stage.agent("cy"));
    ada.installs("redact", Some("known"));
    bob.installs("summarize", Some("known"));
    cy.installs("about", None);
    let serving = [ada.serve(), bob.serve()];
    for peer in [&ada, &bob] {
        cy.connects(peer);
        peer.does(&["trust", "set", "cy", "internal"]);
    }
    for peer in ["ada", "bob"] {
        cy.does(&["trust", "set", peer, "internal"]);
    }
    (Cast { stage, ada, bob, cy }, serving)
}

/// Text with something to mask, long enough that a summary takes a moment.
fn text() -> String {
    let sentence = |n| format!("Line {n} of jo{n}@example.org is near lake {} and hill {}.", n % 97, n % 31);
    (0..500).map(sentence).collect::<Vec<_>>().join(" ")
}

/// ada redacts, bob summarizes what ada gave, many times; cy looks something up beside that.
fn plan(stage: &Stage) -> String {
    let summary = |n| {
        json!({ "id": format!("summary-{n}"), "key_result": "short", "agent": "bob", "skill": "summarize",
                "input": { "text": { "$from": "clean", "at": "/text" }, "sentences": n + 1 } })
    };
    let mut steps = vec![
        json!({ "id": "clean", "key_result": "safe", "agent": "ada", "skill": "redact",
                "input": { "text": { "$from": "goal", "at": "/text" } } }),
        json!({ "id": "beside", "key_result": "safe", "agent": "me", "skill": "about",
                "input": { "topic": "trust" } }),
    ];
    steps.extend((0..SUMMARIES).map(summary));
    let key_results =
        json!([{ "id": "safe", "text": "No address is in it." }, { "id": "short", "text": "It is short." }]);
    let plan = json!({ "objective": "A short and safe text", "key_results": key_results, "steps": steps });
    let path = stage.path().join("plan.json");
    std::fs::write(&path, plan.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn input(stage: &Stage) -> String {
    let path = stage.path().join("input.json");
    std::fs::write(&path, json!({ "text": text() }).to_string()).unwrap();
    format!("@{}", path.to_str().unwrap())
}

/// How many runs of tasks of cy's ended at `agent`.
fn runs(agent: &Agent) -> usize {
    let log = agent.does(&["audit", "log", "--peer", "cy", "--limit", "1000"]);
    log["entries"].as_array().unwrap().iter().filter(|entry| entry["event"] == "call").count()
}

fn done_at(agent: &Agent) -> u64 {
    let goals = agent.does(&["goals"]);
    goals["goals"][0]["done"].as_u64().unwrap_or_default()
}

fn tier(of: &Agent, peer: &str) -> String {
    let list = of.does(&["trust", "list"]);
    let decisions = list["trust"].as_array().unwrap();
    let one = decisions.iter().find(|decision| decision["name"] == peer).unwrap();
    one["tier"].as_str().unwrap().to_owned()
}

/// The goal is done, each step once, receipts are signed by both, and all think one step less of each other.
fn is_done_once(cast: &Cast, info: &Value) {
    let Cast { ada, bob, cy, .. } = cast;
    assert_eq!(info["state"], "done", "{info}");
    let steps = info["steps"].as_array().unwrap();
    assert!(steps.len() == SUMMARIES + 2 && steps.iter().all(|step| step["state"] == "done"), "{info}");
    assert_eq!((runs(ada), runs(bob)), (1, SUMMARIES), "each step once");
    let first = info["outputs"]["summary-0"]["summary"].as_str().unwrap();
    assert!(first.contains("[email]") && !first.contains('@'), "{first}");
    let receipts = complete(cy, SUMMARIES + 1);
    assert_eq!(receipts.len(), SUMMARIES + 1);
    for step in steps.iter().filter(|step| step["agent"] != "me") {
        assert!(receipts.iter().any(|receipt| receipt["id"] == step["request"]), "{step}");
    }
    for (peer, name) in [(ada, "ada"), (bob, "bob")] {
        let told = || (peer.does(&["goals"])["goals"][0]["state"] == "done").then_some(());
        eventually(LIMIT, told).expect("the peer is told");
        for (of, about) in [(peer, "cy"), (cy, name)] {
            assert_eq!(tier(of, about), "known");
            let log = of.does(&["trust", "log", about]);
            let steps = log["entries"].as_array().unwrap().iter().filter(|entry| entry["reason"] == "goal");
            assert_eq!(steps.count(), 1, "{log}");
        }
        peer.does(&["audit", "verify"]);
    }
}

#[test]
fn a_goal_is_reached_though_one_who_takes_part_is_killed() {
    let (cast, [_ada, bob]) = cast();
    let _cy = cast.cy.serve();
    let (plan, input) = (plan(&cast.stage), input(&cast.stage));
    let shown = cast.cy.does(&["collaborate", "ada,bob", "--plan", &plan, "--input", &input, "--plan-only"]);
    assert_eq!(shown["waves"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(cast.cy.does(&["goals"])["goals"], json!([]), "nobody was asked");
    cast.cy.fails(&["collaborate", "ada,bob", "--plan", &plan, "--input", &input], 2, "USAGE");

    let words = ["collaborate", "ada,bob", "--plan", &plan, "--input", &input, "--yes"];
    let collaborating = cast.cy.starts(&words);
    eventually(LIMIT, || (done_at(&cast.bob) >= 1).then_some(())).expect("bob has begun");
    bob.kill_9();
    std::thread::sleep(Duration::from_millis(300));
    let _bob = cast.bob.serve();
    let output = collaborating.wait_with_output().unwrap();
    let info: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{info}");
    is_done_once(&cast, &info);
}

#[test]
fn a_goal_goes_on_after_its_owner_is_killed() {
    let (cast, _serving) = cast();
    let (plan, input) = (plan(&cast.stage), input(&cast.stage));
    // Without a `serve`: the command itself holds the agent.
    let mut collaborating =
        cast.cy.starts(&["collaborate", "ada,bob", "--plan", &plan, "--input", &input, "--yes", "--stream"]);
    eventually(LIMIT, || (done_at(&cast.bob) >= 1).then_some(())).expect("bob has begun");
    collaborating.kill().unwrap();
    collaborating.wait().unwrap();
    let id = cast.cy.does(&["goals"])["goals"][0]["id"].as_str().unwrap().to_owned();
    let info = cast.cy.does(&["goal", &id[..8]]);
    assert_eq!(info["state"], "running", "{info}");
    // With one: it goes on by itself.
    let serving = cast.cy.serve();
    let more = done_at(&cast.bob) + 1;
    eventually(LIMIT, || (done_at(&cast.bob) >= more.min(SUMMARIES as u64)).then_some(()))
        .expect("it goes on");
    serving.kill_9();
    let info = cast.cy.does(&["goal", &id[..8], "resume"]);
    is_done_once(&cast, &info);
    cast.cy.fails(&["goal", &id, "cancel"], 2, "USAGE");
}

//! A group of three processes: what is said, who is killed, who leads, who reads nothing any more.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Agent, Serve, Stage, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// What was said, as this agent has it, in the order that all see.
fn read(agent: &Agent) -> Vec<Value> {
    let read = agent.does(&["group", "read", "crew", "--limit", "1000"]);
    let said = |said: &Value| serde_json::json!([said["from"], said["seq"], said["text"]]);
    read["messages"].as_array().unwrap().iter().map(said).collect()
}

#[track_caller]
fn hears(agent: &Agent, text: &str) {
    let heard = || read(agent).iter().any(|said| said[2] == text).then_some(());
    eventually(LIMIT, heard).unwrap_or_else(|| panic!("{text} is not in {:?}", read(agent)));
}

fn say(agent: &Agent, text: &str) {
    agent.does(&["group", "send", "crew", text]);
}

fn joins(agent: &Agent) {
    let invited =
        || (!agent.does(&["group", "list"])["invites"].as_array().unwrap().is_empty()).then_some(());
    eventually(LIMIT, invited).expect("the invitation comes");
    agent.does(&["group", "join", "crew"]);
}

fn id(agent: &Agent) -> String {
    agent.does(&["status"])["id"].as_str().unwrap().to_owned()
}

/// The member as `agent` sees it.
fn member(agent: &Agent, peer: &str) -> Option<Value> {
    let people = agent.does(&["group", "members", "crew"]);
    people["members"].as_array().unwrap().iter().find(|member| member["peer"] == peer).cloned()
}

/// The one group that `agent` is in.
fn group(agent: &Agent) -> Value {
    agent.does(&["group", "list"])["groups"][0].clone()
}

struct Crew {
    ada: Agent,
    bob: Agent,
    cyd: Agent,
    ids: [String; 3],
    serving: [Option<Serve>; 3],
    _stage: Stage,
}

/// ada made the group; bob's `redact` is for who is KNOWN.
fn crew() -> Crew {
    let stage = Stage::new();
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| stage.agent(name));
    bob.installs("redact", Some("known"));
    let serving = [&ada, &bob, &cyd].map(|agent| Some(agent.serve()));
    for other in [&bob, &cyd] {
        other.connects(&ada);
        other.does(&["trust", "set", "ada", "known"]);
    }
    ada.does(&["trust", "set", "bob", "internal"]);
    ada.does(&["group", "create", "crew", "bob", "cyd"]);
    joins(&bob);
    joins(&cyd);
    let ids = [&ada, &bob, &cyd].map(id);
    Crew { ada, bob, cyd, ids, serving, _stage: stage }
}

#[test]
fn a_group_outlives_the_death_of_a_member_and_of_its_steward() {
    let Crew { ada, bob, cyd, ids, mut serving, _stage } = crew();
    let all = [&ada, &bob, &cyd];
    for (agent, text) in all.iter().zip(["one", "two", "three"]) {
        say(agent, text);
        for other in all {
            hears(other, text);
        }
    }
    assert_eq!((read(&ada), read(&ada).len()), (read(&bob), 3));
    assert_eq!(read(&bob), read(&cyd));
    // Membership gives nobody a tier, and a call in the group passes the gates.
    let tier = |of: usize| member(&ada, &ids[of]).unwrap()["tier"].clone();
    assert_eq!((tier(1), tier(2)), ("internal".into(), "untrusted".into()));
    let letter = r#"{"text": "Write to jo.ann@example.org, please."}"#;
    let call = ["group", "call", "crew", &ids[1], "redact", letter];
    assert_eq!(ada.does(&call)["output"]["masked"][0]["kind"], "email");
    cyd.fails(&call, 1, "UNKNOWN_SKILL");
    bob.does(&["trust", "set", &ids[2], "known"]);
    assert_eq!(cyd.does(&call)["output"]["masked"][0]["kind"], "email");

    // A member dies and comes back.
    ada.does(&["group", "deputies", "crew", "bob"]);
    serving[2].take().unwrap().kill_9();
    say(&ada, "while cyd is dead");
    say(&bob, "cyd hears of it");
    let back = cyd.serve();
    hears(&cyd, "cyd hears of it");
    hears(&cyd, "while cyd is dead");
    hears(&ada, "cyd hears of it");
    assert_eq!((read(&cyd), read(&cyd)), (read(&ada), read(&bob)));
    eventually(LIMIT, || (member(&cyd, &ids[1])?["deputy"] == 1).then_some(()))
        .expect("cyd knows the deputy");

    // The steward dies: messages flow, and its deputy takes over.
    serving[0].take().unwrap().kill_9();
    say(&bob, "ada is gone");
    hears(&cyd, "ada is gone");
    cyd.fails(&["group", "take-over", "crew"], 2, "USAGE");
    bob.fails(&["group", "remove", "crew", &ids[2]], 2, "USAGE");
    bob.does(&["group", "take-over", "crew"]);
    eventually(LIMIT, || (group(&cyd)["steward"] == ids[1]).then_some(())).expect("cyd follows bob");
    bob.does(&["group", "remove", "crew", &ids[2]]);
    eventually(LIMIT, || (group(&cyd)["ended"] == true).then_some(())).expect("cyd is out");
    say(&bob, "not for cyd");

    // Who comes back follows, too, and the removed one reads nothing of it.
    let _ada = ada.serve();
    hears(&ada, "not for cyd");
    hears(&ada, "ada is gone");
    assert_eq!((&group(&ada)["steward"], &group(&ada)["members"]), (&ids[1].clone().into(), &2.into()));
    say(&ada, "nor is this");
    hears(&bob, "nor is this");
    assert_eq!(read(&ada), read(&bob));
    let of_cyd = read(&cyd);
    assert_eq!(of_cyd.last().unwrap()[2], "ada is gone");
    cyd.fails(&["group", "send", "crew", "hello?"], 1, "NOT_CONNECTED");
    drop(back);
    let _back = cyd.serve();
    assert_eq!(read(&cyd), of_cyd);
}

//! Trust that ends by itself, and codes that bring it: what two owners type.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Agent, Stage, eventually};

const LETTER: &str = r#"{"text": "Write to jo.ann@example.org, please."}"#;

fn calls(bob: &Agent) -> String {
    let document = bob.run(&["call", "ada", "redact", LETTER]).document;
    document["error"]["code"].as_str().unwrap_or("OK").to_owned()
}

fn reasons(ada: &Agent) -> Vec<String> {
    let log = ada.does(&["trust", "log", "bob"]);
    let entries = log["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["reason"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_code_brings_trust_that_ends_after_its_calls() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let _serving = [ada.serve(), bob.serve()];
    let grant = ["invite", "--grant", "known", "--expires", "1h", "--calls", "2", "--note", "the workshop"];
    let invited = ada.does(&grant);
    let code = invited["code"].as_str().unwrap();
    let id = invited["grant"]["id"].as_str().unwrap();

    let connected = bob.does(&["connect", code]);
    assert_eq!(connected["invite"]["granted"], "known", "{connected}");
    assert_eq!(connected["skills"][0]["name"], "redact", "{connected}");
    let listed = ada.does(&["trust", "list"])["trust"][0].take();
    let lease = &listed["lease"];
    assert_eq!(
        (&listed["tier"], &lease["calls_left"], &lease["then"]),
        (&"known".into(), &2.into(), &"untrusted".into())
    );
    assert_eq!([calls(&bob), calls(&bob), calls(&bob)], ["OK", "OK", "UNKNOWN_SKILL"]);
    assert_eq!(reasons(&ada), ["lease_calls", "invite"]);

    let invites = ada.does(&["invite", "list"])["invites"].take();
    assert_eq!((&invites[0]["id"], &invites[0]["state"]), (&id.into(), &"used_up".into()), "{invites}");
    ada.does(&["invite", "revoke", id]);
    assert_eq!(ada.does(&["invite", "list"])["invites"][0]["state"], "revoked");
    assert_eq!(bob.does(&["connect", code])["invite"]["granted"], Value::Null);
    ada.fails(&["invite", "--grant", "internal"], 2, "USAGE");
    ada.fails(&["invite", "--for", "7d"], 2, "USAGE");
}

#[test]
fn a_lease_ends_while_its_agent_is_down() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let (serving, _bob) = (ada.serve(), bob.serve());
    bob.connects(&ada);
    let set = ["trust", "set", "bob", "known", "--for", "1s", "--reason", "one look"];
    let trusted = ada.does(&set);
    assert!(trusted["lease"]["until_ms"].is_i64(), "{trusted}");
    serving.kill_9();
    // No agent is awake when it ends; the next command finds it ended.
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(ada.does(&["trust", "list"])["trust"][0]["tier"], "untrusted");
    assert_eq!(reasons(&ada), ["lease_time", "owner"]);
}

#[test]
fn a_lease_ends_while_its_agent_serves() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("internal"));
    let _serving = [ada.serve(), bob.serve()];
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    ada.does(&["trust", "set", "bob", "internal", "--for", "2s"]);
    assert_eq!(calls(&bob), "OK");
    // Nobody asks: it is written down when it ends.
    let ended = || (ada.does(&["trust", "log"])["entries"][0]["reason"] == "lease_time").then_some(());
    eventually(Duration::from_secs(5), ended).unwrap();
    let listed = ada.does(&["trust", "list"])["trust"][0].take();
    assert_eq!((&listed["tier"], &listed["lease"]), (&"known".into(), &Value::Null), "{listed}");
    assert_eq!(calls(&bob), "UNKNOWN_SKILL");
}

//! What two agents signed about a call, and what a third party can do with it.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Agent, Stage, eventually};

const LETTER: &str = r#"{"text": "Write to jo.ann@example.org, please."}"#;

/// The receipts that an agent keeps, once the newest has both signatures.
pub(crate) fn complete(agent: &Agent, number: usize) -> Vec<Value> {
    let look = || {
        let listed = agent.does(&["receipts", "list", "--limit", "10000"])["receipts"].take();
        let listed = listed.as_array().unwrap().clone();
        let done = listed.iter().filter(|receipt| receipt["state"] == "complete").count();
        (done >= number).then_some(listed)
    };
    eventually(Duration::from_secs(20), look)
        .unwrap_or_else(|| panic!("{}", agent.does(&["receipts", "list", "--limit", "10000"])))
}

#[test]
fn a_receipt_is_handed_out_and_checked_without_any_agent() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let _serving = [ada.serve(), bob.serve()];
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    let id = bob.does(&["call", "ada", "redact", LETTER])["id"].as_str().unwrap().to_owned();
    let (of_ada, of_bob) = (complete(&ada, 1), complete(&bob, 1));
    assert_eq!((of_ada.len(), of_bob.len()), (1, 1));
    assert_eq!((&of_ada[0]["role"], &of_bob[0]["role"]), (&"provider".into(), &"caller".into()));
    assert_eq!((&of_bob[0]["peer_name"], &of_bob[0]["receipt"]["skill"]), (&"ada".into(), &"redact".into()));
    let shown = bob.does(&["receipts", "show", &id[..8]]);
    assert_eq!(shown["receipt"]["outcome"], "OK");

    let (file, other) = (stage.path().join("bob.json"), stage.path().join("ada.json"));
    bob.does(&["receipts", "export", &id, file.to_str().unwrap()]);
    ada.does(&["receipts", "export", &id, other.to_str().unwrap(), "--peer", "bob"]);
    let envelope = std::fs::read_to_string(&file).unwrap();
    assert_eq!(envelope, std::fs::read_to_string(&other).unwrap());
    assert!(envelope.contains("application/vnd.in-toto+json") && !envelope.contains("jo.ann"), "{envelope}");

    let nobody = stage.nobody();
    let verified = nobody.does(&["receipts", "verify", file.to_str().unwrap()]);
    assert_eq!(verified["receipt"], shown["receipt"]);
    assert_eq!(verified["receipt"]["caller_signed"], true);
    bob.does(&["receipts", "verify", &id]);
    std::fs::write(&file, envelope.replacen("\"payload\":\"ey", "\"payload\":\"eY", 1)).unwrap();
    nobody.fails(&["receipts", "verify", file.to_str().unwrap()], 1, "INVALID_INPUT");
    std::fs::write(&file, "[]").unwrap();
    nobody.fails(&["receipts", "verify", file.to_str().unwrap()], 1, "INVALID_INPUT");
    nobody.fails(&["receipts", "verify", "/no/such/file"], 2, "USAGE");
    bob.fails(&["receipts", "show", "ffff"], 2, "USAGE");
    let verified = ada.does(&["audit", "verify"]);
    assert!(verified["rows"].as_u64().unwrap() > 0 && verified["head"].is_string(), "{verified}");
}

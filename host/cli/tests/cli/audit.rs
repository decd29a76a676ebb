//! `audit verify` against a database file that somebody changed by hand.

use std::path::PathBuf;

use coworker_store::{AuditFilter, NewAudit, Store};
use serde_json::Value;

use crate::desk::{Desk, example};

/// An agent whose skill ran a few times, and what it says of its log.
fn ran() -> (Desk, Value) {
    let desk = Desk::with_agent("ada");
    desk.json(&["skill", "add", &example("summarize"), "--yes"]);
    for _ in 0..3 {
        desk.json(&["skill", "run", "summarize", r#"{"text": "Hello there."}"#]);
    }
    let verified = desk.json(&["audit", "verify"]);
    assert_eq!((&verified["ok"], &verified["broken"]), (&true.into(), &Value::Null), "{verified}");
    (desk, verified)
}

/// The one file that the database is once nobody has it open.
fn database(desk: &Desk) -> PathBuf {
    let path = desk.data().join("agent.db");
    drop(Store::open(&path).unwrap());
    path
}

/// The first broken row, and what is wrong with it.
fn broken(desk: &Desk) -> (String, i64) {
    let verified = desk.json(&["audit", "verify"]);
    let broken = &verified["broken"];
    assert_eq!(verified["error"]["code"], "INVALID_INPUT", "{verified}");
    (broken["what"].as_str().unwrap().to_owned(), broken["seq"].as_i64().unwrap())
}

#[test]
fn a_log_that_was_changed_by_hand_is_found_with_its_first_broken_row() {
    let (desk, _) = ran();
    let path = database(&desk);
    let all = AuditFilter { limit: 100, ..AuditFilter::default() };
    let rows = Store::open(&path).unwrap().write(|tx| tx.audit_rows(&all)).unwrap();
    let first = rows.iter().filter(|row| row.event == "call_finished").map(|row| row.seq).min().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let (was, is) = (b"call_finished", b"call_vanished");
    while let Some(at) = bytes.windows(was.len()).position(|window| window == was) {
        bytes[at..at + is.len()].copy_from_slice(is);
    }
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(broken(&desk), ("changed".to_owned(), first));
    // What the agent writes from then on does not heal it.
    desk.json(&["skill", "expose", "summarize", "--from", "known"]);
    assert_eq!(broken(&desk), ("changed".to_owned(), first));
    let said = desk.run(&["audit", "verify"]);
    assert_eq!(said.exit, 1);
    assert!(said.stdout.contains("the audit log is not as it was written"), "{}", said.stdout);
}

#[test]
fn a_row_that_somebody_added_is_found() {
    let (desk, verified) = ran();
    let next = verified["rows"].as_i64().unwrap() + 1;
    let detail = Value::Null;
    let row = NewAudit { at_ms: 0, event: "trust_set", peer: None, task: None, skill: None, detail: &detail };
    let added = Store::open(&database(&desk)).unwrap().write(|tx| tx.audit(&row));
    assert_eq!(added.unwrap(), next);
    assert_eq!(broken(&desk), ("not_sealed".to_owned(), next));
}

#[test]
fn an_older_copy_of_the_database_is_found_by_a_head_that_was_kept() {
    let (desk, verified) = ran();
    let head = verified["head"].as_str().unwrap();
    let copy = std::fs::read(database(&desk)).unwrap();
    assert_eq!(desk.json(&["audit", "verify", "--head", head])["ok"], true);
    desk.json(&["skill", "expose", "summarize", "--from", "known"]);
    let later = desk.json(&["audit", "verify", "--head", head])["head"].as_str().unwrap().to_owned();
    assert_ne!(head, later);
    std::fs::write(database(&desk), copy).unwrap();
    assert_eq!(desk.json(&["audit", "verify"])["ok"], true, "it is whole");
    let older = desk.json(&["audit", "verify", "--head", &later]);
    assert_eq!(older["broken"]["what"], "forked", "{older}");
    assert_eq!(desk.run(&["audit", "verify", "--head", "x"]).exit, 2);
}

#[test]
fn old_rows_are_thrown_away_and_the_rest_is_whole() {
    let (desk, _) = ran();
    let nothing = desk.json(&["audit", "prune", "--older-than", "1d"]);
    assert_eq!((&nothing["rows"], &nothing["up_to"]), (&0.into(), &Value::Null));
    assert_eq!(desk.run(&["audit", "prune", "--older-than", "1h"]).exit, 2);
    assert_eq!(desk.run(&["audit", "prune"]).exit, 2);
}

//! `audit verify` against a database file that somebody changed by hand.

use rusqlite::Connection;
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

/// As someone with the database file does it: the triggers are nothing to them.
fn tamper(desk: &Desk, sql: &str) {
    let connection = Connection::open(desk.data().join("agent.db")).unwrap();
    connection.execute_batch("DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_words").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_log_that_was_changed_by_hand_is_found_with_its_first_broken_row() {
    let swap = "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
                UPDATE audit SET seq = 4 WHERE seq = 99";
    for (sql, what, row) in [
        ("UPDATE audit SET detail = '{}' WHERE seq = 3", "changed", 3),
        ("DELETE FROM audit WHERE seq = 4", "missing", 4),
        (swap, "changed", 3),
        ("DELETE FROM audit WHERE seq > 5", "missing", 6),
        ("DELETE FROM audit_seal", "not_sealed", 1),
        ("DELETE FROM audit; DELETE FROM audit_seal", "missing", 1),
    ] {
        let (desk, _) = ran();
        tamper(&desk, sql);
        let verified = desk.json(&["audit", "verify"]);
        assert_eq!(
            (&verified["broken"]["what"], &verified["broken"]["seq"]),
            (&what.into(), &row.into()),
            "{sql}"
        );
        // What the agent writes from then on does not heal it.
        desk.json(&["skill", "expose", "summarize", "--from", "known"]);
        let said = desk.run(&["audit", "verify"]);
        assert_eq!(said.exit, 1);
        assert!(said.stdout.contains("the audit log is not as it was written"), "{}", said.stdout);
    }
}

#[test]
fn an_older_copy_of_the_database_is_found_by_a_head_that_was_kept() {
    let (desk, verified) = ran();
    let head = verified["head"].as_str().unwrap();
    let files = ["agent.db", "agent.db-wal", "agent.db-shm"].map(|name| desk.data().join(name));
    let copies = files.each_ref().map(|file| std::fs::read(file).ok());
    assert_eq!(desk.json(&["audit", "verify", "--head", head])["ok"], true);
    desk.json(&["skill", "expose", "summarize", "--from", "known"]);
    let later = desk.json(&["audit", "verify", "--head", head])["head"].as_str().unwrap().to_owned();
    assert_ne!(head, later);
    for (file, copy) in files.iter().zip(copies) {
        let _ = std::fs::remove_file(file);
        copy.map_or(Ok(()), |copy| std::fs::write(file, copy)).unwrap();
    }
    assert_eq!(desk.json(&["audit", "verify"])["ok"], true, "it is whole");
    let older = desk.json(&["audit", "verify", "--head", &later]);
    assert_eq!(older["broken"]["what"], "forked", "{older}");
    assert_eq!(desk.run(&["audit", "verify", "--head", "x"]).exit, 2);
}

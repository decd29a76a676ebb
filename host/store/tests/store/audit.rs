//! The audit log as a chain: whatever is done to its rows by hand is found.

use std::path::{Path, PathBuf};

use coworker_store::{AuditBroken, AuditFilter, AuditHead, AuditVerified, NewAudit, Store};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::{id, peer, with};

const ROWS: i64 = 8;

/// Stands for a signature: whoever has not the key byte cannot make one.
fn sign(bytes: &[u8]) -> [u8; 64] {
    let mut signature = [0x5e; 64];
    signature[..bytes.len()].copy_from_slice(bytes);
    signature
}

fn genuine(bytes: &[u8], signature: &[u8; 64]) -> bool {
    *signature == sign(bytes)
}

fn append(store: &mut Store, n: i64) -> AuditHead {
    let detail = json!({ "outcome": "ok", "n": n });
    let new = NewAudit {
        at_ms: 1_000 + n,
        event: "call_finished",
        peer: (n % 2 == 0).then(|| peer(1)),
        task: Some(id("task")),
        skill: None,
        detail: &detail,
    };
    with(store, |tx| {
        let seq = tx.audit(&new)?;
        let head = tx.seal_audit(sign)?;
        assert_eq!(head.map(|head| head.seq), Some(seq));
        Ok(head.unwrap())
    })
}

fn log() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    for n in 1..=ROWS {
        append(&mut store, n);
    }
    (dir, path)
}

fn verify(path: &Path) -> Result<AuditVerified, AuditBroken> {
    with(&mut Store::open(path).unwrap(), |tx| tx.verify_audit(genuine, None))
}

/// As someone with the database file does it: the triggers are nothing to them.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_words;").unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn an_honest_log_is_whole_and_goes_on_after_a_restart() {
    let (_dir, path) = log();
    let verified = verify(&path).unwrap();
    assert_eq!((verified.rows, verified.head.unwrap().seq), (8, ROWS));
    let mut store = Store::open(&path).unwrap();
    let head = append(&mut store, 9);
    assert_eq!(store.begin().unwrap().audit_head().unwrap(), Some(head));
    assert_eq!(verify(&path), Ok(AuditVerified { rows: 9, head: Some(head), pruned: None }));
    let empty = with(&mut Store::in_memory().unwrap(), |tx| tx.verify_audit(genuine, None));
    assert_eq!(empty, Ok(AuditVerified { rows: 0, head: None, pruned: None }));
}

#[test]
fn every_field_is_covered() {
    for change in [
        "at_ms = at_ms + 1",
        "event = 'call_refused'",
        "event = ''",
        "peer = NULL",
        "peer = 'x'",
        "task = 'u'",
        "task = NULL",
        "task = NULL, skill = task",
        "skill = ''",
        "detail = '{}'",
        "detail = detail || ' '",
        "detail = CAST(x'ff' AS TEXT)",
        "hash = zeroblob(32)",
        "hash = x'00'",
    ] {
        let (_dir, path) = log();
        tamper(&path, &format!("UPDATE audit SET {change} WHERE seq = 4"));
        assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 4 }), "{change}");
    }
}

#[test]
fn a_missing_row_is_found_wherever_it_was() {
    for (gone, missing) in [("seq = 1", 1), ("seq IN (3, 5)", 3), ("seq = 8", 8), ("seq > 5", 6), ("true", 1)]
    {
        let (_dir, path) = log();
        tamper(&path, &format!("DELETE FROM audit WHERE {gone}"));
        assert_eq!(verify(&path), Err(AuditBroken::Missing { seq: missing }), "{gone}");
    }
}

#[test]
fn rows_that_changed_places_are_found() {
    let (_dir, path) = log();
    tamper(
        &path,
        "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
         UPDATE audit SET seq = 4 WHERE seq = 99",
    );
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 3 }));

    let (_dir, path) = log();
    tamper(&path, "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 3 }), "closed ranks");

    let (_dir, path) = log();
    tamper(&path, "UPDATE audit SET seq = 0 WHERE seq = 1");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 0 }));

    let (_dir, path) = log();
    tamper(
        &path,
        "UPDATE audit SET seq = seq + 100 WHERE seq > 3; INSERT INTO audit SELECT 4, at_ms, event, peer, task,
         skill, detail, hash FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 99 WHERE seq > 100",
    );
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 4 }), "one row twice");
}

/// Whoever knows the format can compute a chain of their own; the seal they cannot make.
#[test]
fn a_chain_that_was_computed_anew_does_not_fit_the_seal() {
    let (_dir, path) = log();
    tamper(&path, "DELETE FROM audit WHERE seq > 5");
    let mut store = Store::open(&path).unwrap();
    let forge = |store: &mut Store, n| {
        let detail = json!({ "forged": n });
        let new = NewAudit { at_ms: n, event: "x", peer: None, task: None, skill: None, detail: &detail };
        with(store, |tx| tx.audit(&new))
    };
    assert_eq!(forge(&mut store, 6), 6);
    assert_eq!(verify(&path), Err(AuditBroken::Missing { seq: 7 }));
    forge(&mut store, 7);
    forge(&mut store, 8);
    assert_eq!(verify(&path), Err(AuditBroken::Rewritten { seq: 8 }));
    forge(&mut store, 9);
    assert_eq!(verify(&path), Err(AuditBroken::Rewritten { seq: 8 }));
    with(&mut store, |tx| tx.seal_audit(|_| [0; 64]).map(drop));
    assert_eq!(verify(&path), Err(AuditBroken::ForgedSeal));
}

#[test]
fn rows_behind_the_seal_and_a_missing_seal_are_found() {
    let (_dir, path) = log();
    let detail = json!({});
    let new = NewAudit { at_ms: 0, event: "added", peer: None, task: None, skill: None, detail: &detail };
    with(&mut Store::open(&path).unwrap(), |tx| tx.audit(&new));
    assert_eq!(verify(&path), Err(AuditBroken::NotSealed { seq: 9 }));
    tamper(&path, "DELETE FROM audit_seal");
    assert_eq!(verify(&path), Err(AuditBroken::NotSealed { seq: 1 }));
}

/// Whoever goes on writing looks at the end alone, and must not seal what it did not write.
#[test]
fn the_end_alone_tells_whether_it_is_the_sealed_one() {
    let end = |path: &Path| with(&mut Store::open(path).unwrap(), |tx| tx.sealed_head(genuine));
    let (_dir, path) = log();
    assert_eq!(end(&path).unwrap().unwrap().seq, ROWS);
    let empty = with(&mut Store::in_memory().unwrap(), |tx| tx.sealed_head(genuine));
    assert_eq!(empty, Ok(None));
    for (sql, broken) in [
        ("DELETE FROM audit WHERE seq > 6", AuditBroken::Missing { seq: 7 }),
        ("DELETE FROM audit", AuditBroken::Missing { seq: 1 }),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 8", AuditBroken::Rewritten { seq: 8 }),
        ("UPDATE audit SET seq = 9 WHERE seq = 8", AuditBroken::NotSealed { seq: 9 }),
        ("DELETE FROM audit_seal", AuditBroken::NotSealed { seq: 1 }),
        ("UPDATE audit_seal SET signature = zeroblob(64)", AuditBroken::ForgedSeal),
    ] {
        let (_dir, path) = log();
        tamper(&path, sql);
        assert_eq!(end(&path), Err(broken), "{sql}");
    }
}

#[test]
fn an_older_copy_of_the_whole_database_is_found_by_who_kept_a_head() {
    let (_dir, path) = log();
    let mut store = Store::open(&path).unwrap();
    let old = store.begin().unwrap().audit_head().unwrap();
    let head = AuditHead { seq: 9, ..old.unwrap() };
    let check = |store: &mut Store, known| with(store, |tx| tx.verify_audit(genuine, Some(known)));
    assert!(check(&mut store, old.unwrap()).is_ok());
    assert_eq!(check(&mut store, head), Err(AuditBroken::Forked { seq: 9 }));
    let other = AuditHead { seq: 4, ..head };
    assert_eq!(check(&mut store, other), Err(AuditBroken::Forked { seq: 4 }));
    assert_eq!(head.to_string().parse::<AuditHead>().unwrap(), head);
    for bad in ["", "9", "9:", "x:00", &format!("{head}0")] {
        assert!(bad.parse::<AuditHead>().is_err(), "{bad}");
    }
}

/// The encoding is a decision: a log written today must verify in ten years.
#[test]
fn the_hash_is_as_agreed() {
    let (_dir, path) = log();
    insta::assert_snapshot!(verify(&path).unwrap().head.unwrap());
}

/// A database of the format before the chain.
fn before_the_chain(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../../src/migrations/0001.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/migrations/0002.sql")).unwrap();
    let insert = "INSERT INTO audit (at_ms, event, peer, task, skill, detail) VALUES (?1, 'call', NULL, 't', 's', '{\"a\":1}')";
    for n in 1..=3 {
        connection.execute(insert, [n]).unwrap();
    }
    let trust = "INSERT INTO trust VALUES (?1, ?2, 'said so', 5)";
    connection.execute(trust, [peer(1).to_string().as_str(), "internal"]).unwrap();
    connection.execute(trust, [peer(2).to_string().as_str(), "untrusted"]).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
}

#[test]
fn a_log_from_before_the_chain_becomes_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    before_the_chain(&path);
    let mut store = Store::open(&path).unwrap();
    let rows = with(&mut store, |tx| tx.audit_rows(&AuditFilter { limit: 9, ..AuditFilter::default() }));
    assert_eq!(rows.iter().map(|row| (row.seq, row.at_ms)).collect::<Vec<_>>(), [(3, 3), (2, 2), (1, 1)]);
    with(&mut store, |tx| tx.seal_audit(sign));
    append(&mut store, 4);
    assert_eq!(verify(&path).unwrap().rows, 4);
    let standings = store.begin().unwrap().standings().unwrap();
    assert_eq!(standings.iter().map(|s| s.trust.is_shut()).collect::<Vec<_>>(), [false, true]);
    tamper(&path, "UPDATE audit SET at_ms = 0 WHERE seq = 2");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 2 }));
}

#[test]
fn what_the_owner_threw_away_is_not_missed_and_what_others_did_is() {
    let (_dir, path) = log();
    let kept = Store::open(&path).unwrap().begin().unwrap().audit_head().unwrap().unwrap();
    let prune = |before_ms| with(&mut Store::open(&path).unwrap(), |tx| tx.prune_audit(before_ms, sign));
    // Rows have the times 1,001 to 1,008.
    assert_eq!(prune(1_001), None);
    let base = prune(1_004).unwrap();
    assert_eq!(base.seq, 3);
    let known = |head| with(&mut Store::open(&path).unwrap(), |tx| tx.verify_audit(genuine, Some(head)));
    let whole = Ok(AuditVerified { rows: 5, head: Some(kept), pruned: Some(base) });
    assert_eq!((verify(&path), known(kept), known(base)), (whole, whole, whole));
    let other = AuditHead { hash: kept.hash, ..base };
    assert_eq!(known(other), Err(AuditBroken::Forked { seq: 3 }));
    let gone = AuditHead { seq: 2, ..base };
    assert_eq!(known(gone), Err(AuditBroken::ThrownAway { seq: 2, base: 3 }));
    append(&mut Store::open(&path).unwrap(), 9);
    assert_eq!(verify(&path).unwrap().rows, 6);
    // The last row stays, and with it what comes next has something to follow.
    assert_eq!(prune(i64::MAX).unwrap().seq, 8);
    assert_eq!((prune(i64::MAX), verify(&path).unwrap().rows), (None, 1));
    append(&mut Store::open(&path).unwrap(), 10);

    // The program deletes nothing else, and nobody else's cut passes for the owner's.
    let refused = Connection::open(&path).unwrap().execute("DELETE FROM audit WHERE seq = 9", []);
    assert!(refused.unwrap_err().to_string().contains("append-only"));
    tamper(&path, "DELETE FROM audit WHERE seq = 9");
    assert_eq!(verify(&path), Err(AuditBroken::Missing { seq: 9 }));
    tamper_on(&path, "UPDATE audit_base SET seq = 9");
    assert_eq!(verify(&path), Err(AuditBroken::ForgedSeal));
    tamper_on(&path, "DELETE FROM audit_base");
    assert_eq!(verify(&path), Err(AuditBroken::Missing { seq: 1 }));
}

fn tamper_on(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

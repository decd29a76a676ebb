//! The hash chain of the audit log: every manual change to its rows is found.

use std::path::{Path, PathBuf};

use coworker_store::{AuditBroken, AuditFilter, AuditHead, AuditVerified, NewAudit, Store};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::{id, peer, with};

const ROWS: i64 = 8;

/// A stand-in for a signature over `bytes`.
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

/// Changes rows like an attacker who has the database file and can drop the triggers.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_words;").unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn an_untouched_log_verifies_and_continues_after_a_restart() {
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
fn the_hash_covers_every_field() {
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
fn a_missing_row_is_found_at_any_position() {
    for (gone, missing) in [("seq = 1", 1), ("seq IN (3, 5)", 3), ("seq = 8", 8), ("seq > 5", 6), ("true", 1)]
    {
        let (_dir, path) = log();
        tamper(&path, &format!("DELETE FROM audit WHERE {gone}"));
        assert_eq!(verify(&path), Err(AuditBroken::Missing { seq: missing }), "{gone}");
    }
}

#[test]
fn moved_rows_are_found() {
    let (_dir, path) = log();
    tamper(
        &path,
        "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
         UPDATE audit SET seq = 4 WHERE seq = 99",
    );
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 3 }));

    let (_dir, path) = log();
    tamper(&path, "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 3 }), "the gap was closed by renumbering");

    let (_dir, path) = log();
    tamper(&path, "UPDATE audit SET seq = 0 WHERE seq = 1");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 0 }));

    let (_dir, path) = log();
    tamper(
        &path,
        "UPDATE audit SET seq = seq + 100 WHERE seq > 3; INSERT INTO audit SELECT 4, at_ms, event, peer, task,
         skill, detail, hash FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 99 WHERE seq > 100",
    );
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 4 }), "a duplicated row");
}

/// An attacker who knows the format can recompute the chain, but cannot forge the seal.
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
fn unsealed_rows_and_a_missing_seal_are_found() {
    let (_dir, path) = log();
    let detail = json!({});
    let new = NewAudit { at_ms: 0, event: "added", peer: None, task: None, skill: None, detail: &detail };
    with(&mut Store::open(&path).unwrap(), |tx| tx.audit(&new));
    assert_eq!(verify(&path), Err(AuditBroken::NotSealed { seq: 9 }));
    tamper(&path, "DELETE FROM audit_seal");
    assert_eq!(verify(&path), Err(AuditBroken::NotSealed { seq: 1 }));
}

/// An agent that continues a log checks its last row only, and must not seal rows that it did not write.
#[test]
fn the_last_row_is_checked_without_reading_the_others() {
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
fn an_older_copy_of_the_database_is_found_with_a_known_head() {
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

/// A log that is written today must verify in ten years.
#[test]
fn row_hashes_keep_their_format() {
    let (_dir, path) = log();
    insta::assert_snapshot!(verify(&path).unwrap().head.unwrap());
}

/// Makes a database in the format from before the chain.
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
fn a_log_from_before_the_chain_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    before_the_chain(&path);
    let mut store = Store::open(&path).unwrap();
    let rows = with(&mut store, |tx| tx.audit_rows(&AuditFilter { limit: 9, ..AuditFilter::default() }));
    assert_eq!(rows.iter().map(|row| (row.seq, row.at_ms)).collect::<Vec<_>>(), [(3, 3), (2, 2), (1, 1)]);
    with(&mut store, |tx| tx.seal_audit(sign));
    append(&mut store, 4);
    assert_eq!(verify(&path).unwrap().rows, 4);
    let rows = store.begin().unwrap().trust_rows().unwrap();
    assert_eq!(rows.iter().map(|s| s.trust.is_shut()).collect::<Vec<_>>(), [false, true]);
    tamper(&path, "UPDATE audit SET at_ms = 0 WHERE seq = 2");
    assert_eq!(verify(&path), Err(AuditBroken::Changed { seq: 2 }));
}

#[test]
fn pruning_by_the_owner_verifies_and_pruning_by_others_does_not() {
    let (_dir, path) = log();
    let kept = Store::open(&path).unwrap().begin().unwrap().audit_head().unwrap().unwrap();
    let prune = |before_ms| with(&mut Store::open(&path).unwrap(), |tx| tx.prune_audit(before_ms, sign));
    // The times of the rows are 1,001 to 1,008.
    assert_eq!(prune(1_001), None);
    let base = prune(1_004).unwrap();
    assert_eq!(base.seq, 3);
    let known = |head| with(&mut Store::open(&path).unwrap(), |tx| tx.verify_audit(genuine, Some(head)));
    let whole = Ok(AuditVerified { rows: 5, head: Some(kept), pruned: Some(base) });
    assert_eq!((verify(&path), known(kept), known(base)), (whole, whole, whole));
    let other = AuditHead { hash: kept.hash, ..base };
    assert_eq!(known(other), Err(AuditBroken::Forked { seq: 3 }));
    let gone = AuditHead { seq: 2, ..base };
    assert_eq!(known(gone), Err(AuditBroken::Pruned { seq: 2, base: 3 }));
    append(&mut Store::open(&path).unwrap(), 9);
    assert_eq!(verify(&path).unwrap().rows, 6);
    // The last row stays, because the next row's hash covers it.
    assert_eq!(prune(i64::MAX).unwrap().seq, 8);
    assert_eq!((prune(i64::MAX), verify(&path).unwrap().rows), (None, 1));
    append(&mut Store::open(&path).unwrap(), 10);

    // The triggers refuse other deletions, and a deletion by somebody else does not verify.
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

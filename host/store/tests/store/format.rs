use std::fs;
use std::path::Path;

use coworker_policy::GroupId;
use coworker_store::{ReceiptFilter, Store, StoreError, TaskFilter, Tx};
use rusqlite::Connection;

use crate::{peer, with};

fn raw(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// A change of the schema needs a new migration. Released migrations must not be edited.
#[test]
fn the_schema_is_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    drop(Store::open(&path).unwrap());
    let connection = raw(&path);
    let ours = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'openmls%'
                AND name NOT LIKE '%vc_%' AND name NOT LIKE 'sqlite_%' ORDER BY type, name";
    let mut statement = connection.prepare(ours).unwrap();
    let sql: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    insta::assert_snapshot!(sql.join(";\n\n"));
}

#[test]
fn a_newer_database_is_refused_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    drop(Store::open(&path).unwrap());
    raw(&path).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();

    let error = Store::open(&path).unwrap_err();

    assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error:?}");
    assert_eq!(error.to_string().matches("99").count(), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn reopening_does_not_repeat_a_migration() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    for n in 0..3 {
        let mut store = Store::open(&path).unwrap();
        with(&mut store, |tx| tx.enqueue(peer(1), b"hello", None, n).map(drop));
    }
    let mut store = Store::open(&path).unwrap();
    assert_eq!(with(&mut store, |tx| tx.queued(peer(1))), 3);
}

#[test]
fn the_error_names_a_file_that_is_not_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    fs::write(&path, "Dear diary, today I was taken for a database. ".repeat(100)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("agent.db"));
}

#[test]
fn the_error_names_a_missing_directory() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&dir.path().join("nowhere/agent.db")).unwrap_err();
    assert!(matches!(error, StoreError::Create { .. }), "{error:?}");
}

#[cfg(unix)]
#[test]
fn only_its_user_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("agent.db")).unwrap();
    with(&mut store, |tx| tx.set_mls_seed(&[7; 32]));
    let modes: Vec<u32> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 3], "the database, its write-ahead log and its index");
}

#[test]
fn a_row_that_does_not_parse_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    drop(Store::open(&path).unwrap());
    raw(&path)
        .execute(
            "INSERT INTO trust (peer, tier, reason, at_ms) VALUES (?1, 'emperor', '', 0)",
            [peer(1).to_string()],
        )
        .unwrap();

    let mut store = Store::open(&path).unwrap();
    let error = store.write(|tx| tx.tier(peer(1))).unwrap_err();

    assert!(matches!(&error, StoreError::Corrupt { place, .. } if place == "trust.tier"), "{error:?}");
}

type Read<'a> = &'a dyn Fn(&Tx<'_>) -> Result<(), StoreError>;

/// A call, goal or message whose id was damaged must be reported. Leaving it out would lose a peer's call
/// without a trace.
#[test]
fn a_row_with_a_damaged_id_is_reported_with_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    let peer = peer(1);
    let all = ReceiptFilter { limit: 9, ..ReceiptFilter::default() };
    let tasks = TaskFilter { peer: None, since_ms: 0, limit: 9 };
    let group = GroupId::from_bytes([7; 32]);
    let rows: [(&str, &str, Read<'_>); 9] = [
        (
            "inbound.id",
            "inbound VALUES (1, P, 'x', '', '', NULL, 'received', NULL, 0, NULL, NULL, NULL)",
            &|tx| tx.unfinished().map(drop),
        ),
        ("outbound.id", "outbound VALUES ('x', P, '', '', 'waiting', NULL, 0, NULL, 0, NULL)", &|tx| {
            tx.outbound_like("", 9).map(drop)
        }),
        ("outbound.id", "outbound VALUES ('y', P, '', '', 'waiting', NULL, 0, NULL, 0, NULL)", &|tx| {
            tx.tasks(&tasks).map(drop)
        }),
        ("receipts.id", "receipts VALUES (P, 'x', 'caller', 'draft', x'', 0)", &|tx| {
            tx.receipts(&all).map(drop)
        }),
        ("trust_requests.id", "trust_requests VALUES (P, 'x', 'known', '', 0)", &|tx| {
            tx.trust_requests().map(drop)
        }),
        ("goals.id", "goals VALUES ('x', '', '', '', '', NULL, 'running', NULL, 0, 0, NULL)", &|tx| {
            tx.open_goals().map(drop)
        }),
        ("goal_shares.goal", "goal_shares VALUES (P, 'x', '', '', 'asked', 0, 0, NULL)", &|tx| {
            tx.goal_shares_like("", 9).map(drop)
        }),
        ("group_missed.id", "group_missed VALUES (G, P, 'x', 0)", &|tx| {
            tx.ask_group_missed(group, 9).map(drop)
        }),
        ("group_messages.id", "group_messages VALUES (1, G, 1, P, 0, 'x', '', 0)", &|tx| {
            tx.group_messages(group, 0, 9).map(drop)
        }),
    ];
    let connection = raw(&path);
    for (place, row, read) in rows {
        let row = row.replace('P', &format!("'{peer}'")).replace('G', &format!("x'{group}'"));
        connection.execute(&format!("INSERT INTO {row}"), []).unwrap();
        let error = store.write(|tx| read(tx)).unwrap_err();
        assert!(
            matches!(&error, StoreError::Corrupt { place: named, .. } if named == place),
            "{place}: {error:?}"
        );
    }
}

#[test]
fn the_audit_log_cannot_be_changed_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    let detail = serde_json::json!({"tier": "known"});
    let new = coworker_store::NewAudit {
        at_ms: 5,
        event: "call",
        peer: Some(peer(1)),
        task: None,
        skill: None,
        detail: &detail,
    };
    with(&mut store, |tx| tx.audit(&new).map(drop));

    let connection = raw(&path);
    for sql in ["UPDATE audit SET event = 'nothing'", "DELETE FROM audit"] {
        let error = connection.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}

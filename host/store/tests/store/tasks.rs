use coworker_store::{AuditFilter, Inbound, InboundState, NewAudit, Outbound, OutboundState, Store};
use serde_json::json;

use crate::{id, peer, with};

fn call(n: u8, name: &str) -> Inbound {
    Inbound {
        peer: peer(n),
        id: id(name),
        skill: "summarize".to_owned(),
        input: r#"{"text":"secret"}"#.to_owned(),
        timeout_ms: Some(30_000),
        expires_ms: None,
        version: None,
        part_of: None,
        state: InboundState::Received,
        reply: None,
        at_ms: 100,
    }
}

fn asked(name: &str) -> Outbound {
    Outbound {
        id: id(name),
        peer: peer(1),
        skill: "redact".to_owned(),
        input: "{}".to_owned(),
        state: OutboundState::Waiting,
        expires_ms: None,
        answer: None,
        at_ms: 100,
        done_ms: None,
    }
}

#[test]
fn a_call_is_accepted_once_per_peer_even_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    assert!(with(&mut store, |tx| tx.accept_task(&call(1, "a"))));
    assert!(!with(&mut store, |tx| tx.accept_task(&call(1, "a"))));
    assert!(with(&mut store, |tx| tx.accept_task(&call(2, "a"))), "ids of different peers do not collide");
    drop(store);

    let mut store = Store::open(&path).unwrap();
    let again = Inbound { input: "other".to_owned(), ..call(1, "a") };
    assert!(!with(&mut store, |tx| tx.accept_task(&again)));
    assert_eq!(
        with(&mut store, |tx| tx.inbound(peer(1), id("a"))),
        Some(call(1, "a")),
        "the first one stays"
    );
}

#[test]
fn a_call_runs_and_is_answered_once() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.accept_task(&call(1, "b"))?;
        tx.accept_task(&call(1, "a"))?;
        assert_eq!(tx.pending_of(peer(1))?, 2);
        tx.task_running(peer(1), id("b"))?;
        let open: Vec<_> = tx.unfinished()?.into_iter().map(|task| (task.id, task.state)).collect();
        assert_eq!(open, [(id("b"), InboundState::Running), (id("a"), InboundState::Received)]);
        tx.task_done(peer(1), id("b"), b"first")?;
        tx.task_done(peer(1), id("b"), b"second")?;
        tx.task_running(peer(1), id("b"))?;
        let done = tx.inbound(peer(1), id("b"))?.unwrap();
        assert_eq!((done.state, done.reply), (InboundState::Done, Some(b"first".to_vec())));
        assert_eq!(done.input, "", "the input is deleted");
        assert_eq!((tx.pending_of(peer(1))?, tx.unfinished()?.len()), (1, 1));
        Ok(())
    });
}

#[test]
fn only_finished_calls_are_pruned() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.accept_task(&call(1, "open"))?;
        tx.accept_task(&call(1, "done"))?;
        tx.task_done(peer(1), id("done"), b"")?;
        assert_eq!((tx.prune_inbound(100)?, tx.prune_inbound(101)?), (0, 1));
        assert!(tx.inbound(peer(1), id("open"))?.is_some());
        Ok(())
    });
}

#[test]
fn a_deleted_call_may_be_repeated() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.accept_task(&call(1, "a"))?;
        tx.accept_task(&call(2, "a"))?;
        tx.forget_task(peer(1), id("a"))?;
        assert!(tx.accept_task(&call(1, "a"))?);
        assert!(!tx.accept_task(&call(2, "a"))?, "only the call of that peer was deleted");
        Ok(())
    });
}

#[test]
fn a_timeout_beyond_the_column_is_saturated() {
    let mut store = Store::in_memory().unwrap();
    let task = with(&mut store, |tx| {
        tx.accept_task(&Inbound { timeout_ms: Some(u64::MAX), ..call(1, "a") })?;
        tx.inbound(peer(1), id("a"))
    });
    assert_eq!(task.unwrap().timeout_ms, Some(i64::MAX.unsigned_abs()));
}

#[test]
fn an_answer_counts_once_and_from_the_peer_that_was_asked() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_outbound(&asked("a"))?;
        let finish = |n, name, state| tx.finish_outbound(peer(n), id(name), state, Some("1"), 200);
        assert!(!finish(2, "a", OutboundState::Done)?);
        assert!(!finish(1, "b", OutboundState::Done)?);
        assert_eq!(tx.outbound(id("a"))?, Some(asked("a")));
        assert!(finish(1, "a", OutboundState::Done)?);
        assert!(!finish(1, "a", OutboundState::Failed)?);
        let done = tx.outbound(id("a"))?.unwrap();
        assert_eq!((done.state, done.answer.as_deref()), (OutboundState::Done, Some("1")));
        assert_eq!(done.done_ms, Some(200));
        assert_eq!(tx.outbound(id("b"))?, None);
        assert!(tx.add_outbound(&asked("a")).is_err(), "an id is used once");
        Ok(())
    });
}

#[test]
fn the_audit_log_is_read_newest_first_and_in_pages() {
    let mut store = Store::in_memory().unwrap();
    let detail = json!({"code": "UNKNOWN_SKILL", "fuel": 12});
    let rows = [(1, "about"), (2, "about"), (1, "redact"), (1, "about")];
    let read = |store: &mut Store, filter: AuditFilter| -> Vec<i64> {
        with(store, |tx| tx.audit_rows(&filter)).into_iter().map(|row| row.seq).collect()
    };
    with(&mut store, |tx| {
        for (at_ms, (n, skill)) in (0..).zip(rows) {
            let who = Some(peer(n));
            let new = NewAudit {
                at_ms,
                event: "refused",
                peer: who,
                task: Some(id("t")),
                skill: Some(skill),
                detail: &detail,
            };
            tx.audit(&new)?;
        }
        Ok(())
    });
    let filter = AuditFilter { limit: 10, ..AuditFilter::default() };
    let about = || Some("about".to_owned());
    assert_eq!(read(&mut store, filter.clone()), [4, 3, 2, 1]);
    assert_eq!(read(&mut store, AuditFilter { limit: 2, before: Some(4), ..filter.clone() }), [3, 2]);
    assert_eq!(read(&mut store, AuditFilter { peer: Some(peer(2)), ..filter.clone() }), [2]);
    assert_eq!(read(&mut store, AuditFilter { skill: about(), ..filter.clone() }), [4, 2, 1]);
    assert_eq!(read(&mut store, AuditFilter { peer: Some(peer(1)), skill: about(), ..filter }), [4, 1]);
    assert_eq!(read(&mut store, AuditFilter::default()), [0; 0]);

    let row =
        with(&mut store, |tx| tx.audit_rows(&AuditFilter { limit: 1, ..AuditFilter::default() })).remove(0);
    assert_eq!((row.at_ms, row.event.as_str(), row.task.clone()), (3, "refused", Some(id("t").to_string())));
    assert_eq!((row.peer, row.detail), (Some(peer(1)), detail));
}

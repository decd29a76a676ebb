use coworker_store::{
    Direction, Inbound, InboundState, Outbound, OutboundState, Store, StoreError, TaskFilter, Tx,
};

use crate::{id, peer, session, with};

fn asked(n: u8, name: &str, at_ms: i64, expires_ms: Option<i64>) -> Outbound {
    Outbound {
        id: id(name),
        peer: peer(n),
        skill: "redact".to_owned(),
        input: "{}".to_owned(),
        state: OutboundState::Waiting,
        expires_ms,
        answer: None,
        at_ms,
        done_ms: None,
    }
}

fn served(n: u8, name: &str, at_ms: i64, expires_ms: Option<i64>) -> Inbound {
    Inbound {
        peer: peer(n),
        id: id(name),
        skill: "redact".to_owned(),
        input: "{}".to_owned(),
        timeout_ms: None,
        expires_ms,
        version: Some("^1".parse().unwrap()),
        part_of: None,
        state: InboundState::Received,
        reply: None,
        at_ms,
    }
}

fn state(tx: &Tx<'_>, name: &str) -> Result<OutboundState, StoreError> {
    Ok(tx.outbound(id(name))?.unwrap().state)
}

#[test]
fn an_overdue_request_expires_and_its_message_is_not_sent() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.put_session(&session(1, 1))?;
        for (name, expires) in [("late", Some(500)), ("open", Some(501)), ("call", None), ("sent", Some(400))]
        {
            tx.add_outbound(&asked(1, name, 100, expires))?;
            let message = tx.enqueue(peer(1), b"", Some(id(name)), 100)?;
            if name == "sent" {
                tx.seal(peer(1), 1, &[message], b"")?;
            }
        }
        tx.enqueue(peer(2), b"", Some(id("late")), 100)?;
        assert_eq!(tx.expire_outbound(500)?, 2);
        assert_eq!(
            (state(tx, "late")?, state(tx, "sent")?),
            (OutboundState::Expired, OutboundState::Expired)
        );
        assert_eq!(
            (state(tx, "open")?, state(tx, "call")?),
            (OutboundState::Waiting, OutboundState::Waiting)
        );
        assert_eq!(tx.outbound(id("late"))?.unwrap().done_ms, Some(500));
        assert!(!tx.is_queued(peer(1), id("late"))? && tx.is_queued(peer(1), id("open"))?);
        assert!(tx.is_queued(peer(1), id("sent"))?, "a sealed message keeps its number");
        assert!(tx.is_queued(peer(2), id("late"))?, "a message to another peer stays");
        assert_eq!(tx.expire_outbound(500)?, 0);
        Ok(())
    });
}

#[test]
fn a_late_answer_is_accepted() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_outbound(&asked(1, "a", 100, Some(200)))?;
        tx.expire_outbound(200)?;
        assert!(!tx.finish_outbound(peer(1), id("a"), OutboundState::Cancelled, None, 300)?);
        assert!(tx.finish_outbound(peer(1), id("a"), OutboundState::Done, Some("1"), 300)?);
        assert!(!tx.finish_outbound(peer(1), id("a"), OutboundState::Failed, Some("2"), 300)?);
        assert_eq!(tx.outbound(id("a"))?.unwrap().answer.as_deref(), Some("1"));
        Ok(())
    });
}

#[test]
fn a_restart_abandons_calls_but_not_requests() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_outbound(&asked(1, "call", 100, None))?;
        tx.add_outbound(&asked(1, "request", 100, Some(900)))?;
        assert_eq!(tx.abandon_calls(200)?, 1);
        assert_eq!(state(tx, "call")?, OutboundState::Abandoned);
        assert_eq!(state(tx, "request")?, OutboundState::Waiting);
        assert_eq!((tx.prune_outbound(100)?, tx.prune_outbound(101)?), (0, 1), "open requests stay");
        Ok(())
    });
}

#[test]
fn messages_of_an_open_request_do_not_expire() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_outbound(&asked(1, "open", 100, Some(900)))?;
        tx.add_outbound(&asked(1, "over", 100, Some(900)))?;
        tx.finish_outbound(peer(1), id("over"), OutboundState::Cancelled, None, 200)?;
        tx.accept_task(&served(1, "served", 100, Some(900)))?;
        for name in ["open", "over", "served", "other"] {
            tx.enqueue(peer(1), b"", Some(id(name)), 100)?;
        }
        assert_eq!(tx.expire_outbox(800)?, 2);
        assert!(tx.is_queued(peer(1), id("open"))? && tx.is_queued(peer(1), id("served"))?);
        assert_eq!(tx.expire_outbox(901)?, 2);
        tx.task_done(peer(1), id("served"), b"1")?;
        assert_eq!(
            (tx.prune_inbound(900)?, tx.prune_inbound(901)?),
            (0, 1),
            "a repeated call must not run again"
        );
        Ok(())
    });
}

#[test]
fn tasks_of_both_directions_are_listed_newest_first() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_outbound(&asked(1, "aa-old", 10, Some(900)))?;
        tx.finish_outbound(peer(1), id("aa-old"), OutboundState::Done, Some("1"), 20)?;
        tx.add_outbound(&asked(1, "aa-open", 11, Some(900)))?;
        tx.enqueue(peer(1), b"", Some(id("aa-open")), 11)?;
        tx.outbound_runs(peer(2), id("aa-open"))?;
        tx.add_outbound(&asked(2, "bb", 300, None))?;
        tx.outbound_runs(peer(2), id("bb"))?;
        tx.accept_task(&served(1, "cc", 200, Some(900)))?;
        let list = |peer, since_ms, limit| tx.tasks(&TaskFilter { peer, since_ms, limit });
        let all = list(None, 0, 10)?;
        let ids: Vec<_> = all.iter().map(|row| row.id).collect();
        assert_eq!(ids, ["bb", "cc", "aa-open", "aa-old"].map(id));
        assert_eq!(all[1].direction, Direction::Inbound(InboundState::Received));
        assert_eq!(all[3].direction, Direction::Outbound(OutboundState::Done));
        let mail: Vec<_> = all.iter().map(|row| (row.in_outbox, row.running)).collect();
        assert_eq!(mail, [(false, true), (false, false), (true, false), (false, false)]);
        assert_eq!(list(None, 21, 10)?.len(), 3, "open tasks of any age");
        assert_eq!(list(None, 20, 10)?.len(), 4);
        assert_eq!((list(Some(peer(2)), 0, 10)?.len(), list(None, 0, 1)?.len()), (1, 1));
        let few = list(None, 0, 3)?;
        let ids: Vec<_> = few.iter().map(|row| row.id).collect();
        assert_eq!(ids, ["bb", "cc", "aa-open"].map(id));
        tx.finish_outbound(peer(2), id("bb"), OutboundState::Done, Some("1"), 400)?;
        let few = list(None, 0, 2)?;
        let ids: Vec<_> = few.iter().map(|row| row.id).collect();
        assert_eq!(ids, ["cc", "aa-open"].map(id), "finished tasks are left out first");
        let like = |start: &str| tx.outbound_like(start, 5).map(|rows| rows.len());
        let open = id("aa-open").to_string();
        assert_eq!((like(&open[..4])?, like(&open)?, like("%")?, like(&id("cc").to_string())?), (2, 1, 0, 0));
        Ok(())
    });
}

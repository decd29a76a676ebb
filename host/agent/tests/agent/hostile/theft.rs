//! The tasks of others: a peer that knows their ids can do nothing with them.

use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_api::ops::Call;
use coworker_channel::Message;
use coworker_policy::{RequestId, Tier};
use coworker_store::InboundState;
use serde_json::json;

use super::siege::Siege;
use crate::harness::{SECONDS, call, set_tier, until};
use crate::stranger::{Stranger, patient};

/// Tasks between the agent and honest peers.
struct Tasks {
    /// A peer's that was answered.
    done: RequestId,
    /// A peer's that runs.
    running: RequestId,
    /// The agent's own, which a peer has yet to answer.
    asked: RequestId,
}

type Row = (&'static str, fn(&Tasks) -> String, &'static str);

const NOTHING: &str = "nothing";

fn of(kind: &str, id: RequestId, members: &str) -> String {
    format!(r#"{{"type":"{kind}","id":"{id}"{members}}}"#)
}

const ROWS: &[Row] = &[
    ("to cancel another's task", |tasks| of("task_cancel", tasks.running, ""), NOTHING),
    ("to cancel another's task that is done", |tasks| of("task_cancel", tasks.done, ""), NOTHING),
    ("to cancel the agent's own call", |tasks| of("task_cancel", tasks.asked, ""), NOTHING),
    (
        "to ask for another's answer by its id",
        |tasks| of("task_request", tasks.done, r#","skill":"plain","input":"mine""#),
        "answer \"mine\"",
    ),
    (
        "to join another's task by its id",
        |tasks| of("task_request", tasks.running, r#","skill":"plain","input":"mine""#),
        "answer \"mine\"",
    ),
    ("to answer for another", |tasks| of("task_response", tasks.asked, r#","output":"forged""#), NOTHING),
    (
        "to refuse for another",
        |tasks| of("task_error", tasks.asked, r#","code":"INTERNAL","message":"forged""#),
        NOTHING,
    ),
    ("to fail for another", |tasks| of("error", tasks.asked, r#","code":"INTERNAL","message":"x""#), NOTHING),
    ("to report another's progress", |tasks| of("task_progress", tasks.asked, r#","percent":99"#), NOTHING),
    (
        "to tell a part for another",
        |tasks| of("task_partial", tasks.asked, r#","index":0,"part":"x""#),
        NOTHING,
    ),
    ("to answer another's question with a pong", |tasks| of("pong", tasks.asked, ""), NOTHING),
    (
        "to answer another's question with cards",
        |tasks| of("capabilities", tasks.asked, r#","name":"gus","cards":[]"#),
        NOTHING,
    ),
    (
        "to sign another's receipt",
        |tasks| of("task_countersigned", tasks.done, r#","signature":"AAAA""#),
        NOTHING,
    ),
    (
        "to hand in a receipt for another",
        |tasks| {
            of("task_receipt", tasks.asked, r#","envelope":{"payload":"","payloadType":"","signatures":[]}"#)
        },
        NOTHING,
    ),
    (
        "to grant in another's name",
        |tasks| of("trust_grant", tasks.asked, r#","tier":"privileged""#),
        NOTHING,
    ),
];

pub(super) fn names() -> Vec<&'static str> {
    ROWS.iter().map(|(name, ..)| *name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_tasks_of_others_are_out_of_reach() {
    let mut siege = Siege::lay().await;
    let done = call(&siege.bob, siege.ada.peer_id(), "plain", r#""bob's""#).await.unwrap().id;
    let (mut fay, running) = (Stranger::new(&siege.town.hub, "fay"), RequestId::random());
    fay.meet(siege.ada.peer_id()).await;
    set_tier(&siege.ada, fay.id, Tier::Privileged).await;
    fay.send(&patient(running, "spins", "null", Duration::from_mins(5)));
    let state = |siege: &Siege, peer, id: RequestId| {
        siege.town.in_transaction("ada", |tx| tx.inbound(peer, id)).map(|row| row.state)
    };
    until("it runs", async || state(&siege, fay.id, running) == Some(InboundState::Running)).await;
    let mut gus = Stranger::new(&siege.town.hub, "gus");
    gus.meet(siege.ada.peer_id()).await;
    let (ada, peer) = (siege.ada.clone(), gus.id.to_string());
    let question = Call { peer, skill: "any".into(), input: "1".into(), version: None, timeout: SECONDS };
    let asking = tokio::spawn(async move { question.run(&ada).await });
    let asked = gus.read().await.id().unwrap();

    let tasks = Tasks { done, running, asked };
    for (name, attack, ending) in ROWS {
        siege.eve.send_bytes(attack(&tasks).into_bytes());
        assert_eq!(siege.ending(ending).await, *ending, "{name}");
        assert_eq!(state(&siege, fay.id, running), Some(InboundState::Running), "{name}");
        assert!(!asking.is_finished(), "{name}");
        siege.honest_is_served().await;
    }

    gus.send(&Message::TaskResponse { id: asked, output: json!("gus's").into() });
    assert_eq!(asking.await.unwrap().unwrap().output, json!("gus's"));
    fay.send(&Message::TaskCancel { id: running });
    assert!(matches!(fay.read().await, Message::TaskError { id, .. } if id == running));
    let kept = siege.town.in_transaction("ada", |tx| tx.inbound(siege.bob.peer_id(), done)).unwrap();
    assert!(String::from_utf8(kept.reply.unwrap()).unwrap().contains("bob's"));
    let trusted = siege.town.in_transaction("ada", |tx| tx.tier(siege.eve.id));
    assert_eq!(trusted, Tier::Untrusted);
    siege.lift().await;
}

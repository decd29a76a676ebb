use coworker_channel::Message;
use coworker_policy::{ErrorCode, Limits, RequestId, Tier};
use coworker_store::NewAudit;
use serde_json::json;

use crate::guest::{SUMMARIZE, plain};
use crate::harness::{Town, call, connect, identity, log, set_tier};
use crate::stranger::Stranger;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ran_is_one_entry_with_its_permit_and_its_end() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, SUMMARIZE, Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Internal).await;
    let called = call(&bob, ada.peer_id(), "summarize", r#"{"text": "A secret. Another."}"#).await.unwrap();

    let entry = log(&ada).await.remove(0);
    assert_eq!((entry.event.as_str(), entry.peer), ("call", Some(bob.peer_id())));
    assert_eq!(entry.peer_name.unwrap().as_str(), "bob");
    assert_eq!(entry.task, Some(called.id.to_string()));
    assert_eq!(entry.skill.as_deref(), Some("summarize"));
    let (permit, end) = (entry.permit.unwrap(), entry.detail.unwrap());
    assert_eq!(permit["tier"], "internal");
    assert_eq!(permit["caller"], json!(bob.peer_id()));
    assert_eq!(permit["limits"], json!(Limits::of(Tier::Internal)));
    assert!(permit["grants"].is_array() && permit["component"].is_string(), "{permit}");
    assert_eq!((&end["outcome"], &end["reason"]), (&json!("ok"), &json!(null)));
    assert!(end["fuel_used"].as_u64().unwrap() > 0);
    assert!(end["duration_ms"].as_f64().unwrap() > 0.0);
    let all = format!("{permit}{end}");
    assert!(!all.contains("secret"), "inputs and outputs are not logged: {all}");
}

/// The caller picks the id: two callers may pick the same one, and their calls may run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn calls_of_two_peers_with_one_id_are_told_apart() {
    let town = Town::new();
    let (eve, fay) = (identity("eve").peer_id(), identity("fay").peer_id());
    let id = RequestId::random();
    town.home("ada");
    town.in_transaction("ada", |tx| {
        for (event, peer) in [("permitted", eve), ("permitted", fay), ("finished", eve), ("finished", fay)] {
            let (event, detail) = (format!("call_{event}"), json!({ "of": peer }));
            let (peer, task) = (Some(peer), Some(id));
            tx.audit(&NewAudit { at_ms: 0, event: &event, peer, task, skill: None, detail: &detail })?;
        }
        Ok(())
    });
    let entries = log(&town.open("ada").await).await;
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.permit, entry.detail, "the permit of the other's call");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_changed_on_disk_does_not_run() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    ada.close().await;
    drop(ada);
    let files: Vec<_> = std::fs::read_dir(town.path("ada").join("components")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let file = files.into_iter().next().unwrap().unwrap().path().join("component.wasm");
    let mut wasm = std::fs::read(&file).unwrap();
    *wasm.last_mut().unwrap() ^= 1;
    std::fs::write(&file, wasm).unwrap();

    let ada = town.open("ada").await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    for broken in [false, true] {
        if broken {
            std::fs::remove_file(&file).unwrap();
        }
        let answer = eve.call("plain", "1").await;
        let Message::TaskError { code, message, .. } = &answer else { panic!("{answer:?}") };
        assert_eq!(*code, ErrorCode::Internal);
        assert_eq!(message.as_str(), "the call could not be served", "nothing of ours is in it");
        let entry = log(&ada).await.remove(0);
        let reason = entry.detail.unwrap()["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(if broken { "cannot read" } else { "was changed on disk" }), "{reason}");
        assert_eq!(entry.permit, None, "it had no permit");
    }
}

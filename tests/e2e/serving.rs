//! `serve` as a process: the same answers with and without it, and how it ends.

use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::stage::{Agent, Stage};

/// What is the same whether or not the agent serves.
fn answers(agent: &Agent) -> Vec<Value> {
    let commands: [&[&str]; 8] = [
        &["skill", "list"],
        &["skill", "inspect", "redact"],
        &["skill", "preview", "--peer-tier", "known"],
        &["trust", "list"],
        &["trust", "requests"],
        &["audit", "log"],
        &["invite"],
        &["status"],
    ];
    let mut answers: Vec<Value> = commands.iter().map(|words| agent.does(words)).collect();
    let status = answers.last_mut().unwrap().as_object_mut().unwrap();
    // These tell of the serving process itself.
    for field in ["pid", "listening", "serving", "addresses", "direct_addresses", "peers_connected"] {
        assert!(status.remove(field).is_some(), "{field}: {status:?}");
    }
    answers
}

#[test]
fn commands_answer_the_same_with_and_without_serve() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let mut serving = ada.serve();
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);

    let with = answers(&ada);
    serving.signal("TERM");
    assert!(serving.ended_within(Duration::from_secs(5)).unwrap().success());
    assert_eq!(answers(&ada), with);
    let _serving = ada.serve();
    assert_eq!(answers(&ada), with);
}

#[test]
fn serve_ends_in_order_when_the_system_or_a_person_asks() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    let _serving = bob.serve();
    for signal in ["TERM", "INT"] {
        let mut serving = ada.serve();
        bob.connects(&ada);
        let id = serving.ready["id"].as_str().unwrap().to_owned();
        let socket = ada.data().join("control.sock");
        let is_socket = |there: std::fs::Metadata| there.file_type().is_socket();
        assert!(socket.metadata().is_ok_and(is_socket));
        let boards = || std::fs::read_dir(ada.tmp()).unwrap().map(|board| board.unwrap().path());
        assert!(boards().any(|board| board.join(&id).exists()), "a notice while it listens");

        serving.signal(signal);
        let ended = serving.ended_within(Duration::from_secs(5));
        assert_eq!(ended.and_then(|status| status.code()), Some(0), "SIG{signal}");
        assert!(!socket.exists(), "SIG{signal} leaves the socket");
        assert!(!boards().any(|board| board.join(&id).exists()), "SIG{signal} leaves the notice");
    }
}

#[test]
fn a_killed_serve_hinders_nobody() {
    let stage = Stage::new();
    let ada = stage.agent("ada");
    ada.serve().kill_9();
    assert!(ada.data().join("control.sock").exists(), "nobody took it down");
    assert_eq!(ada.does(&["status"])["serving"], false);
    let serving = ada.serve();
    assert_eq!(ada.does(&["status"])["pid"], serving.pid());
}

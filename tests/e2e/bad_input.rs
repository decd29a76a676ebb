//! What is wrong is refused with a clear error, and leaves nothing half-written.

use std::path::PathBuf;

use serde_json::json;

use crate::guest;
use crate::stage::{Agent, Stage};

fn files(stage: &Stage) -> Vec<(PathBuf, &'static str)> {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../example-skills/built/redact.wasm");
    let whole = std::fs::read(built).unwrap();
    let contents: [(&str, &[u8], &str); 7] = [
        ("text.wasm", b"name: quote\nprice: 3\n", "text file"),
        ("empty.wasm", b"", "empty"),
        ("program.wasm", b"\x7fELF\x02\x01\x01\x00\x00", "not a WebAssembly"),
        ("core.wasm", &guest::core_module(), "core WebAssembly module"),
        ("other.wasm", &guest::other_world(), "acme:database/store"),
        ("half.wasm", &whole[..whole.len() / 2], ""),
        ("header.wasm", &whole[..8], ""),
    ];
    let write = |(name, content, says): (&str, &[u8], &'static str)| {
        let path = stage.path().join(name);
        std::fs::write(&path, content).unwrap();
        (path, says)
    };
    let mut files: Vec<_> = contents.into_iter().map(write).collect();
    files.push((stage.path().join("missing.wasm"), "missing.wasm"));
    files.push((stage.path().to_owned(), "skill.toml"));
    // It never ends.
    files.push(("/dev/zero".into(), "not a file"));
    files
}

fn is_as_new(agent: &Agent) {
    assert_eq!(agent.does(&["skill", "list"])["skills"], json!([]));
    assert_eq!(agent.does(&["audit", "log"])["entries"], json!([]));
    let components = std::fs::read_dir(agent.data().join("components")).unwrap();
    assert_eq!(components.count(), 0);
}

#[test]
fn a_file_that_is_no_skill_is_refused_and_leaves_nothing() {
    let stage = Stage::new();
    let ada = stage.agent("ada");
    let refuse_all = || {
        for (path, says) in files(&stage) {
            let error = ada.fails(
                &["skill", "add", &path.to_string_lossy(), "--yes", "--expose"],
                1,
                "BAD_COMPONENT",
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(says), "{}: {message}", path.display());
        }
        is_as_new(&ada);
    };
    refuse_all();
    let serving = ada.serve();
    refuse_all();
    assert_eq!(ada.does(&["status"])["pid"], serving.pid(), "the same process as before");
}

#[test]
fn a_corrupt_invite_code_is_refused_and_nobody_is_remembered() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    let invite = ada.does(&["invite"]);
    let code = invite["code"].as_str().unwrap();
    let middle = code.len() / 2;
    let changed = if &code[middle..=middle] == "a" { "b" } else { "a" };
    let corrupt = [
        code[..middle].to_owned(),
        format!("{}{changed}{}", &code[..middle], &code[middle + 1..]),
        format!("{code}aaaa"),
        code.replace("coworker:", "cowirker:"),
        "coworker:".to_owned(),
        String::new(),
        format!("coworker:{}", "a".repeat(100_000)),
    ];
    for code in corrupt {
        let error = bob.fails(&["connect", &code], 1, "BAD_INVITE");
        assert!(error["hint"].as_str().unwrap().contains("coworker invite"), "{error}");
    }
    assert_eq!(bob.does(&["peers"])["peers"], json!([]));
}

#[test]
fn a_peer_that_is_away_is_told_from_one_that_refuses() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("redact", Some("known"));
    let invite = ada.does(&["invite"]);
    let connect: &[&str] = &["connect", invite["code"].as_str().unwrap(), "--timeout", "1"];
    let call: &[&str] = &["call", "ada", "redact", r#"{"text": "a"}"#, "--timeout", "1"];
    let away = |words: &[&str]| {
        let outcome = bob.run(words);
        assert_eq!(outcome.exit, 3, "{}", outcome.stdout);
        assert!(outcome.document["error"]["message"].is_string(), "{}", outcome.stdout);
    };
    away(connect);
    let serving = ada.serve();
    bob.does(connect);
    ada.does(&["trust", "set", "bob", "known"]);
    assert_eq!(bob.does(call)["output"]["text"], "a");
    serving.kill_9();
    away(call);
}

//! A secret, from its owner's keyboard to the one place that it is for. Everybody else has a placeholder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::io::Write as _;

use serde_json::Value;

use crate::consent::Web;
use crate::guest;
use crate::stage::{Agent, Stage};

const VALUE: &str = "s3cret-0f-ada-6d1b";

/// As an owner does, by a pipe: it is in no list of processes and in no history.
fn keeps(agent: &Agent, secret: &str, value: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
    command.args(["skill", "configure", "guest", "--secret", secret, "--json"]);
    command.env("COWORKER_HOME", agent.data()).env("TMPDIR", agent.tmp()).env("HOME", agent.tmp());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8(output.stdout).unwrap().contains(value));
}

/// Every file at or below a place that holds the secret.
fn holding(place: &Path) -> Vec<PathBuf> {
    if place.is_dir() {
        let entries = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| holding(&path)).collect();
    }
    // The control socket is no file to read.
    let bytes = std::fs::read(place).unwrap_or_default();
    let held = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
    if held { vec![place.to_owned()] } else { Vec::new() }
}

#[test]
fn a_secret_reaches_the_place_that_it_is_for_and_nothing_else() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    let (bank, other) = (Web::start(), Web::start());
    let file = stage.path().join("spends.wasm");
    std::fs::write(&file, guest::spends()).unwrap();
    ada.does(&["skill", "add", file.to_str().unwrap(), "--yes", "--expose"]);
    for web in [&bank, &other] {
        ada.does(&["skill", "grant", "guest", "http", &format!("GET http://127.0.0.1:{}/*", web.port)]);
    }
    ada.does(&["skill", "grant", "guest", "secrets", &format!("TOKEN http://127.0.0.1:{}", bank.port)]);
    keeps(&ada, "TOKEN", VALUE);
    let serving = [ada.serve(), bob.serve()];
    bob.connects(&ada);
    let sends = |web: &Web| -> Value {
        let input = format!("\"127.0.0.1:{}\"", web.port);
        bob.does(&["call", "ada", "guest", &input])["output"].take()
    };

    // A caller of a lower tier has neither the secret nor the way.
    ada.does(&["trust", "set", "bob", "known"]);
    assert_eq!(sends(&bank), "");
    ada.does(&["trust", "set", "bob", "internal"]);
    let placeholder = sends(&bank);
    assert!(placeholder.as_str().unwrap().starts_with("{{secret:TOKEN:"), "{placeholder}");
    assert_ne!(sends(&other), placeholder, "another one in each call");

    let heads = bank.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].contains(&format!("x-token: {VALUE}")), "{heads:?}");
    assert_eq!(other.heads(), [""; 0], "a request that would carry it elsewhere is not sent");

    let log = ada.does(&["audit", "log", "--limit", "100"]).to_string();
    let row = format!("coworker skill grant guest secrets 'TOKEN http://127.0.0.1:{}'", other.port);
    assert!(log.contains(&row), "{log}");
    let ran =
        ada.does(&["skill", "run", "guest", &format!("\"127.0.0.1:{}\"", bank.port), "--as", "internal"]);
    assert!(ran["log"].as_str().unwrap().contains("{{secret:TOKEN:"), "{ran}");
    let told = [&["skill", "policy", "guest"][..], &["skill", "inspect", "guest"], &["status"], &["doctor"]];
    let told: String = told.map(|words| ada.run(words).stdout).concat();
    assert!(![log, told, ran.to_string()].iter().any(|text| text.contains(VALUE)));

    drop(serving);
    // Its owner's database, which only they can read, and nowhere else: no policy, no log, nothing of the peer.
    let held = holding(stage.path());
    assert!(!held.is_empty() && held.iter().all(|path| is_database(path, ada.data())), "{held:?}");
}

fn is_database(path: &Path, data: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    path.parent() == Some(data) && name.starts_with("agent.db")
}

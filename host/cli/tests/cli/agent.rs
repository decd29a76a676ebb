use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::desk::{Desk, outcome};

/// A running `serve`, stopped when the test ends.
struct Serve(Child);

impl Serve {
    fn start(desk: &Desk) -> (Self, Value) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coworker"))
            .args(["serve", "--json", "--until-stdin-ends"])
            .env("COWORKER_HOME", desk.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        (Self(child), serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn init_makes_an_agent_that_only_its_user_can_read_and_says_what_is_next() {
    let desk = Desk::empty();
    let said = desk.run(&["init", "--name", "ada's desk"]);
    assert_eq!((said.exit, said.stderr.as_str()), (0, ""));
    for next in ["coworker skill add", "coworker serve", "coworker invite"] {
        assert!(said.stdout.contains(next), "{}", said.stdout);
    }
    let mode = |name: &str| desk.data().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("identity.key")), (0o700, 0o600));
    let status = desk.json(&["status"]);
    assert_eq!((&status["name"], &status["network"]), (&"ada's desk".into(), &"local".into()));
    assert_eq!(status["serving"], false);
}

#[test]
fn init_twice_is_refused_and_the_first_agent_stays() {
    let desk = Desk::with_agent("ada");
    let id = desk.json(&["status"])["id"].clone();
    let again = desk.json(&["init", "--name", "eve"]);
    assert_eq!(again["error"]["code"], "USAGE");
    assert!(again["error"]["hint"].as_str().unwrap().contains("--data"), "{again}");
    assert_eq!(desk.json(&["status"])["id"], id);
}

#[test]
fn a_public_agent_names_the_relays_that_it_will_use() {
    let desk = Desk::empty();
    assert_eq!(desk.json(&["init", "--name", "ada", "--network", "public"])["network"], "public");
    let config = std::fs::read_to_string(desk.data().join("config.toml")).unwrap();
    assert!(config.contains("relay.n0.iroh.link"), "{config}");
    let bad = Desk::empty().json(&["init", "--name", "ada", "--relay", "relay.example"]);
    assert_eq!(bad["error"]["code"], "USAGE");
}

#[test]
fn lists_are_empty_under_their_own_keys() {
    let desk = Desk::with_agent("ada");
    let lists: &[(&[&str], &str)] = &[
        (&["skill", "list"], "skills"),
        (&["skill", "preview", "--peer-tier", "privileged"], "skills"),
        (&["peers"], "peers"),
        (&["trust", "list"], "trust"),
        (&["trust", "requests"], "requests"),
        (&["audit", "log"], "entries"),
    ];
    for (words, key) in lists {
        let document = desk.json(words);
        assert_eq!(document[key], Value::Array(Vec::new()), "{words:?}: {document}");
    }
}

#[test]
fn an_empty_state_says_what_to_type() {
    let desk = Desk::with_agent("ada");
    let states: &[(&[&str], &str)] = &[
        (&["skill", "list"], "coworker skill add"),
        (&["peers"], "coworker connect"),
        (&["trust", "list"], "coworker trust set"),
        (&["status"], "coworker serve"),
    ];
    for (words, next) in states {
        let said = desk.run(words);
        assert!(said.stdout.contains(next), "{words:?}: {}", said.stdout);
        assert!(!said.stdout.contains('\x1b'), "no colours in a pipe");
    }
}

#[test]
fn an_unknown_peer_and_a_corrupt_code_are_told_apart_from_bugs() {
    let desk = Desk::with_agent("ada");
    let unknown = desk.json(&["call", "bob", "about"]);
    assert_eq!(unknown["error"]["code"], "NOT_CONNECTED", "{unknown}");
    let corrupt = desk.json(&["connect", "coworker:aaaa"]);
    assert_eq!(corrupt["error"]["code"], "BAD_INVITE", "{corrupt}");
    assert_eq!(desk.run(&["connect", "hello"]).exit, 1);
    let own = desk.json(&["invite"])["code"].clone();
    assert_eq!(desk.json(&["connect", own.as_str().unwrap()])["error"]["code"], "BAD_INVITE");
}

#[test]
fn commands_go_through_a_running_serve_and_a_second_serve_is_told_who_holds_the_agent() {
    let desk = Desk::with_agent("ada");
    let (serve, ready) = Serve::start(&desk);
    assert_eq!((&ready["ok"], &ready["event"]), (&true.into(), &"ready".into()));
    assert_eq!(ready["listening"], true);

    let status = desk.json(&["status"]);
    assert_eq!((&status["serving"], &status["pid"]), (&true.into(), &serve.0.id().into()));

    let second = desk.json(&["serve"]);
    assert_eq!(second["error"]["code"], "IN_USE");
    let message = second["error"]["message"].as_str().unwrap();
    assert!(message.contains(&serve.0.id().to_string()), "{message}");
    assert_eq!(desk.run(&["serve"]).exit, 1);
}

#[test]
fn serve_ends_in_order_when_it_is_told_to() {
    let desk = Desk::with_agent("ada");
    let (mut serve, _) = Serve::start(&desk);
    serve.0.stdin.take().unwrap().flush().unwrap();
    assert!(serve.0.wait().unwrap().success());
    assert_eq!(desk.json(&["status"])["serving"], false);
}

#[test]
fn doctor_finds_what_others_can_read() {
    let desk = Desk::with_agent("ada");
    let well = desk.json(&["doctor"]);
    assert_eq!(well["ok"], true, "{well}");
    let key = desk.data().join("identity.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ill = desk.json(&["doctor"]);
    assert!(ill["error"]["hint"].as_str().unwrap().starts_with("chmod 600"), "{ill}");
    assert_eq!(outcome(desk.command().arg("doctor")).exit, 1);
}

#[test]
fn a_broken_configuration_names_its_line() {
    let desk = Desk::with_agent("ada");
    std::fs::write(desk.data().join("config.toml"), "name = \"ada\"\n[network]\nmoed = \"local\"\n").unwrap();
    let said = desk.run(&["status"]);
    assert_eq!(said.exit, 2);
    assert!(said.stderr.contains("line 3") && said.stderr.contains("moed"), "{}", said.stderr);
}

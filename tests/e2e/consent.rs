//! What an owner grants to a component that sends web requests: nothing before, exactly that after, and
//! not for callers of a lower tier.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::stage::{Agent, Serve, Stage};

/// A web server on loopback, and the heads of the requests that it got.
pub(crate) struct Web {
    pub(crate) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, heads) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
        let seen = Arc::clone(&heads);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                seen.lock().unwrap().push(head.join("\n"));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nprice";
                let _ = (&stream).write_all(answer);
            }
        });
        Self { port, heads }
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

/// ada serves fetch; bob, who is INTERNAL to her, calls it.
struct Desk {
    ada: Agent,
    bob: Agent,
    web: Web,
    _serving: [Serve; 2],
    _stage: Stage,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new();
        let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
        let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/built/fetch.wasm");
        ada.does(&["skill", "add", &guest.to_string_lossy(), "--yes"]);
        ada.does(&["skill", "expose", "fetch", "--from", "known"]);
        let serving = [ada.serve(), bob.serve()];
        bob.connects(&ada);
        ada.does(&["trust", "set", "bob", "internal"]);
        Self { ada, bob, web: Web::start(), _serving: serving, _stage: stage }
    }

    /// What the guest tells of its one request.
    fn fetches(&self, path: &str) -> Value {
        let request = json!({ "authority": format!("127.0.0.1:{}", self.web.port), "path": path });
        let input = json!({ "requests": [request] }).to_string();
        self.bob.does(&["call", "ada", "fetch", &input])["output"][0].take()
    }

    /// The newest denial in the audit log.
    fn denied(&self) -> Value {
        let log = self.ada.does(&["audit", "log", "--limit", "100"]);
        let entries = log["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["event"] == "access_denied").unwrap()["detail"].clone()
    }

    /// Types a line into ada's shell, as it was printed.
    fn types(&self, line: &str) {
        let bin = Path::new(env!("CARGO_BIN_EXE_coworker")).parent().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("PATH=\"$BIN:$PATH\"\n{line}")]).env("BIN", bin);
        shell.env("COWORKER_HOME", self.ada.data());
        let output = shell.env("TMPDIR", self.ada.tmp()).env("HOME", self.ada.tmp()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_line_in_the_audit_log_is_the_grant_that_was_missing() {
    let desk = Desk::new();
    let answer = desk.fetches("/v1/price?of=tea");
    assert_eq!((&answer["status"], desk.web.requests()), (&Value::Null, 0), "{answer}");
    let denied = desk.denied();
    let line = denied["grant"].as_str().unwrap();
    let port = desk.web.port;
    assert_eq!(line, format!("coworker skill grant fetch http 'GET http://127.0.0.1:{port}/v1/price'"));

    desk.types(line);
    let answer = desk.fetches("/v1/price?of=tea");
    assert_eq!((&answer["status"], &answer["text"]), (&json!(200), &json!("price")), "{answer}");
    assert_eq!(desk.web.requests(), 1);
    assert_eq!(desk.fetches("/v1/other")["status"], Value::Null, "exactly that, and nothing beside it");

    // What INTERNAL callers have is not there for KNOWN ones, until the owner says so.
    desk.ada.does(&["trust", "set", "bob", "known"]);
    assert_eq!(desk.fetches("/v1/price")["status"], Value::Null);
    assert_eq!(desk.web.requests(), 1);
    let denied = desk.denied();
    let line = denied["grant"].as_str().unwrap();
    assert!(line.ends_with("/v1/price' --from known"), "{line}");
    desk.types(line);
    assert_eq!(desk.fetches("/v1/price")["status"], 200);
    assert_eq!(desk.web.requests(), 2);

    let everything = desk.ada.does(&["audit", "log", "--limit", "100"]).to_string();
    assert!(!everything.contains("of=tea"), "a query can be private: {everything}");
}

#[test]
fn a_caller_that_repeats_itself_adds_one_row_of_what_was_denied() {
    let desk = Desk::new();
    for _ in 0..10 {
        assert_eq!(desk.fetches("/v1/price")["status"], Value::Null);
    }
    let log = desk.ada.does(&["audit", "log", "--limit", "100"]);
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.iter().filter(|entry| entry["event"] == "access_denied").count(), 1);
    assert_eq!(entries.iter().filter(|entry| entry["event"] == "call").count(), 10);
}

//! The owner's `policy.toml`, changed by hand and by command while the agent serves.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Agent, Serve, Stage, eventually};

const LETTER: &str = r#"{"text": "Write to jo.ann@example.org, please."}"#;
/// What an owner waits after they saved the file.
const SOON: Duration = Duration::from_secs(5);

/// ada serves redact; bob, whom she knows, calls it.
struct Desk {
    ada: Agent,
    bob: Agent,
    _serving: [Serve; 2],
    _stage: Stage,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new();
        let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
        ada.installs("redact", Some("known"));
        let serving = [ada.serve(), bob.serve()];
        bob.connects(&ada);
        ada.does(&["trust", "set", "bob", "known"]);
        Self { ada, bob, _serving: serving, _stage: stage }
    }

    /// `OK`, or the code of the error.
    fn answer(&self) -> String {
        let document = self.bob.run(&["call", "ada", "redact", LETTER]).document;
        document["error"]["code"].as_str().unwrap_or("OK").to_owned()
    }

    /// Calls once it is time: who goes on calling what it may not see loses its trust.
    #[track_caller]
    fn soon_answers(&self, code: &str) {
        let shown = || self.bob.does(&["inspect", "ada"])["skills"].as_array().unwrap().len();
        let expected = usize::from(code == "OK");
        let changed = eventually(SOON, || (shown() == expected).then_some(()));
        assert!(changed.is_some(), "{} skills are shown", shown());
        assert_eq!(self.answer(), code);
    }

    fn file(&self) -> PathBuf {
        self.ada.does(&["skill", "policy", "redact"])["path"].as_str().unwrap().into()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    /// As an editor saves.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        std::fs::write(self.file(), change(self.read())).unwrap();
    }
}

#[test]
fn an_edit_by_hand_counts_without_a_restart_and_is_in_the_audit_log() {
    let desk = Desk::new();
    assert_eq!(desk.answer(), "OK");
    desk.edit(|text| text.replace("exposed = true", "exposed = false"));
    desk.soon_answers("UNKNOWN_SKILL");
    desk.edit(|text| text.replace("exposed = false", "exposed = true"));
    desk.soon_answers("OK");
    let edited = || {
        let log = desk.ada.does(&["audit", "log"]);
        let entries = log["entries"].as_array().unwrap();
        let edits = entries.iter().filter(|entry| entry["event"] == "policy_edited").count();
        (edits == 2).then_some(())
    };
    eventually(SOON, edited).unwrap();
}

#[test]
fn a_broken_file_hides_its_skills_and_doctor_names_the_line() {
    let desk = Desk::new();
    let line = desk.read().lines().count() + 1;
    desk.edit(|text| text + "colour = \"red\"\n");
    desk.soon_answers("UNKNOWN_SKILL");

    let wrong = format!("line {line}");
    let doctor = desk.ada.run(&["doctor"]).document;
    let of = |check: &&Value| check["name"] == "policies";
    let check = doctor["checks"].as_array().unwrap().iter().find(of).unwrap();
    assert_eq!(check["state"], "failed", "{doctor}");
    assert!(check["found"].as_str().unwrap().contains(&wrong), "{wrong}: {check}");
    let list = desk.ada.does(&["skill", "list"]);
    let broken = list["broken_policies"].as_object().unwrap().values().next().unwrap();
    assert!(broken.as_str().unwrap().contains(&wrong), "{list}");
    assert_eq!(list["skills"][0]["listing"], "hidden");
    assert!(desk.ada.does(&["skill", "inspect", "redact"])["policy"]["broken"].is_string());

    // What cannot be read is not written over.
    let before = desk.read();
    desk.ada.fails(&["skill", "expose", "redact"], 2, "USAGE");
    assert_eq!(desk.read(), before);
    desk.edit(|text| text.replace("colour = \"red\"\n", ""));
    desk.soon_answers("OK");
    assert_eq!(desk.ada.does(&["skill", "list"])["broken_policies"], json!({}));
}

#[test]
fn comments_survive_commands_and_what_is_not_imported_is_not_granted() {
    let desk = Desk::new();
    desk.edit(|text| text.replace("exposed = true", "exposed = true # since the fair") + "\n# the end\n");
    desk.ada.does(&["skill", "expose", "redact", "--from", "internal"]);
    desk.ada.does(&["skill", "configure", "redact", "--limit", "known.wall_ms=5000"]);
    desk.ada.does(&["skill", "revoke", "redact", "log"]);
    let policy = desk.ada.does(&["skill", "grant", "redact", "log"]);
    assert_eq!(
        (&policy["limits"], &policy["denied"]),
        (&json!({ "known": { "wall_ms": 5000 } }), &json!([]))
    );
    let text = desk.read();
    for part in ["# since the fair", "# the end", "from = \"internal\"", "wall_ms = 5000"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let rule = "GET https://api.example.com/*";
    let error = desk.ada.fails(&["skill", "grant", "redact", "http", rule], 2, "USAGE");
    assert!(error["message"].as_str().unwrap().contains("does not import http"), "{error}");
    for words in [["http", "GET"].as_slice(), &["llm"], &["clocks"]] {
        desk.ada.fails(&[&["skill", "grant", "redact"], words].concat(), 2, "USAGE");
    }
    assert_eq!(desk.read(), text, "what is refused changes nothing");
}

#[test]
fn a_callers_pace_is_the_owners_to_limit() {
    let desk = Desk::new();
    desk.edit(|text| text + "\n[limits.known]\ncalls_per_min = 3\n");
    let moved = || {
        let limits = desk.ada.does(&["skill", "policy", "redact"])["limits"].take();
        (limits == json!({ "known": { "calls_per_min": 3 } })).then_some(())
    };
    eventually(SOON, moved).unwrap();
    let answers: Vec<String> = (0..4).map(|_| desk.answer()).collect();
    assert_eq!(answers, ["OK", "OK", "OK", "LIMIT_EXCEEDED"]);
}

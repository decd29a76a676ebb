//! An author's loop with the real compiler: start a skill, build it, test it, install it, run it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::guest;
use crate::stage::{Agent, Stage};

/// A compiler's standard library may have to be built first, and every crate of the skill.
const LONGEST: Duration = Duration::from_mins(15);

/// Where an author stands: a folder, their agent, and Rust as this machine has it.
struct Desk {
    stage: Stage,
    agent: Agent,
}

struct Said {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new();
        let agent = stage.agent("ada");
        let desk = Self { stage, agent };
        // What `cargo xtask skills` built for the same compiler serves as well.
        let cache = desk.dir().join("cache/coworker");
        std::fs::create_dir_all(&cache).unwrap();
        let libraries = root().join("target/skills-std");
        std::fs::create_dir_all(&libraries).unwrap();
        std::os::unix::fs::symlink(libraries, cache.join("wasm-std")).unwrap();
        desk
    }

    fn dir(&self) -> &Path {
        self.stage.path()
    }

    fn says(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
        command.current_dir(self.dir()).args(words).env("COWORKER_HOME", self.agent.data());
        command.env("XDG_CACHE_HOME", self.dir().join("cache")).env_remove("RUST_LOG");
        let output = assert_cmd::Command::from_std(command).timeout(LONGEST).output().unwrap();
        Said {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Without a compiler there is nothing to test, but in CI there is one.
    #[track_caller]
    #[expect(clippy::print_stderr, reason = "a test that cannot be run here says so")]
    fn builds(&self, skill: &str) -> Option<Value> {
        let said = self.says(&["skill", "build", skill, "--json"]);
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        let fix = document["error"]["hint"].as_str().unwrap_or_default();
        if std::env::var_os("CI").is_none() && fix.starts_with("rustup target add") {
            eprintln!("not run: {}; {fix}", document["error"]["message"]);
            return None;
        }
        assert_eq!(said.exit, 0, "{document}: {}", said.stderr);
        Some(document)
    }

    /// The one document, and that the exit code agrees with it.
    #[track_caller]
    fn document(&self, words: &[&str], exit: i32) -> Value {
        let said = self.says(&[words, &["--json"]].concat());
        assert_eq!(said.exit, exit, "{words:?}: {}{}", said.stdout, said.stderr);
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(document["ok"], exit == 0, "{document}");
        document
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_new_skill_builds_passes_its_tests_and_runs() {
    let desk = Desk::new();
    let made = desk.document(&["skill", "new", "hello"], 0);
    assert!(made["path"].as_str().unwrap().ends_with("/hello"), "{made}");
    let project = desk.dir().join("hello");
    // The versions that this workspace is tested with: the same skill today and in a year.
    std::fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();

    // Not built, so not to be added.
    let unbuilt = desk.document(&["skill", "add", "hello", "--yes"], 2);
    assert_eq!(unbuilt["error"]["hint"], "coworker skill build hello");

    let Some(built) = desk.builds("hello") else { return };
    assert_eq!(built["warnings"], serde_json::json!([]), "{built}");
    assert_eq!(built["skills"][0]["name"], "hello", "{built}");
    let component = std::fs::read(project.join("hello.wasm")).unwrap();
    assert_eq!(built["size"], component.len());
    let home = std::env::home_dir().unwrap();
    let home = home.as_os_str().as_encoded_bytes();
    assert!(!component.windows(home.len()).any(|part| part == home), "it tells whose machine built it");

    let tested = desk.document(&["skill", "test", "hello"], 0);
    assert_eq!(tested["component"], built["digest"], "a second build makes the same component");
    assert_eq!((&tested["passed"], &tested["failed"]), (&10.into(), &0.into()), "{tested}");

    let added = desk.document(&["skill", "add", "hello", "--yes", "--expose"], 0);
    assert_eq!(added["digest"], built["digest"]);
    let ran = desk.document(&["skill", "run", "hello", r#"{"name": "Bob"}"#, "--as", "known"], 0);
    assert_eq!(ran["output"]["text"], "Hello, Bob!");

    // What is broken is told by the cases, and the component that is installed is still the other.
    change(&project.join("src/lib.rs"), "Hello, {name}!", "Goodbye, {name}!");
    let failed = desk.document(&["skill", "test", "hello"], 1);
    assert_eq!((&failed["failed"], &failed["error"]["code"]), (&3.into(), &"SKILL_FAILED".into()));
    let difference = &failed["cases"][0]["calls"][0]["differences"][0];
    assert_eq!(difference["at"], "output.text", "{failed}");
    assert_eq!(difference["found"], "Goodbye, Ada!");

    // What does not compile is the compiler's to tell, and leaves what was built.
    change(&project.join("src/lib.rs"), "fn run(", "fn walk(");
    let said = desk.says(&["skill", "build", "hello"]);
    assert_eq!(said.exit, 2, "{}", said.stderr);
    assert!(said.stderr.contains("cannot find value `run`"), "{}", said.stderr);
    assert!(said.stderr.contains("hello does not compile for wasm32-"), "{}", said.stderr);
    assert!(project.join("hello.wasm").is_file());

    // An author who forgot to build installs what was built before, and is told.
    let added = desk.document(&["skill", "add", "hello", "--yes"], 0);
    let told = added["warnings"][0].as_str().unwrap();
    assert!(
        told.contains("hello/src/lib.rs changed after") && told.ends_with("coworker skill build hello"),
        "{told}"
    );
}

#[test]
fn a_case_that_fails_shows_the_log_and_what_was_denied() {
    let desk = Desk::new();
    let project = desk.dir().join("spender");
    std::fs::create_dir_all(project.join("tests")).unwrap();
    let write = |path: &str, text: &[u8]| std::fs::write(project.join(path), text).unwrap();
    write("made.wasm", &guest::spends());
    write("skill.toml", b"name = \"guest\"\nversion = \"1.0.0\"\nbuild.component = \"made.wasm\"\n");
    let cases = r#"
        from = "internal"
        [[grant]]
        capability = "http"
        to = ["GET http://a.example/*"]
        [[grant]]
        capability = "secrets"
        to = ["TOKEN http://a.example"]
        [[case]]
        input = "127.0.0.1:1"
        output = ""
        [[case]]
        as = "known"
        input = "127.0.0.1:1"
        error = "UNKNOWN_SKILL"
    "#;
    write("tests/cases.toml", cases.as_bytes());
    let failed = desk.document(&["skill", "test", "spender"], 1);
    assert_eq!((&failed["passed"], &failed["failed"]), (&1.into(), &2.into()), "{failed}");
    let call = &failed["cases"][0]["calls"][0];
    assert!(call["log"].as_str().unwrap().contains("{{secret:TOKEN:"), "{call}");
    let denied = serde_json::json!([{ "capability": "http", "what": "GET http://127.0.0.1:1/" }]);
    assert_eq!(call["denied"], denied, "{call}");
    let shown = desk.says(&["skill", "test", "spender"]).stdout;
    assert!(shown.contains("denied http 'GET http://127.0.0.1:1/'\n"), "{shown}");
}

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Far above the five seconds that a quiet machine needs at most.
const BOUND_MS: f64 = 30_000.0;

fn demo(tmp: &Path, words: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
    command.args(["demo", "--json"]).args(words).env("TMPDIR", tmp).env("HOME", tmp);
    let mut command = assert_cmd::Command::from_std(command);
    let output = command.env_remove("COWORKER_HOME").timeout(Duration::from_mins(1)).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["ok"]), (Some(0), &true.into()), "{document}");
    document
}

/// Running processes whose command line has `word`; a process that ended between two looks has none.
fn processes(word: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(word))
        .collect()
}

/// Agent directories in `tmp`. The directory of notices stays, empty.
fn left_in(tmp: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(tmp).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (boards, left): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with("coworker-nearby-"));
    for board in boards {
        assert_eq!(std::fs::read_dir(tmp.join(board)).unwrap().count(), 0, "a notice was left");
    }
    left
}

/// What bob masked is on his disk and nowhere on ada's, where the rest of the letter is. A text that lies on two pages
/// of a database is not found: one of several is.
fn the_letter_stayed_with_bob(kept: &Path) {
    let private = ["DE89 3704 0044", "+49 171 5550123", "lena.brandt@brandt-dach"];
    let rest = ["the old boat house", "Our engineer looked", "water into the wall", "a third of it now"];
    let (bob, ada) = (kept.join("bob"), kept.join("ada"));
    assert!(private.iter().any(|text| holds(&bob, text)) && rest.iter().any(|text| holds(&ada, text)));
    assert!(!private.iter().any(|text| holds(&ada, text)));
}

/// Whether any file in `dir` has `text`.
fn holds(dir: &Path, text: &str) -> bool {
    let mut entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

#[test]
fn the_demo_does_every_step_and_leaves_nothing() {
    let tmp = TempDir::new().unwrap();
    let played = demo(tmp.path(), &[]);
    let steps = played["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    let expected = [
        "init",
        "install",
        "serve",
        "connect",
        "trust",
        "call",
        "refuse",
        "audit",
        "lend",
        "plan",
        "collaborate",
        "settle",
        "revoke",
    ];
    assert_eq!(names, expected);
    assert!(
        steps.iter().all(|step| step["ms"].as_f64().unwrap() > 0.0 && !step["seen"].is_null()),
        "{played}"
    );
    assert!(played["total_ms"].as_f64().unwrap() < BOUND_MS, "{played}");
    assert_eq!(left_in(tmp.path()), Vec::<String>::new());
    assert_eq!(processes(&tmp.path().to_string_lossy()), Vec::<String>::new());
}

#[test]
fn a_demo_that_is_kept_leaves_two_agents_that_work() {
    let tmp = TempDir::new().unwrap();
    let played = demo(tmp.path(), &["--keep"]);
    let kept = Path::new(played["kept"].as_str().unwrap());
    the_letter_stayed_with_bob(kept);
    assert_eq!(left_in(tmp.path()), [kept.file_name().unwrap().to_str().unwrap()]);
    for name in ["ada", "bob"] {
        let mut status = Command::new(env!("CARGO_BIN_EXE_coworker"));
        let status = status.args(["status", "--json", "--data"]).arg(kept.join(name)).output().unwrap();
        let status: Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!((&status["name"], &status["peers_known"]), (&name.into(), &1.into()), "{status}");
    }
    assert_eq!(processes(&tmp.path().to_string_lossy()), Vec::<String>::new());
}

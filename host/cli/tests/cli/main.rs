//! The command line as a whole: what it prints, in which form, and how it exits. One agent, no network;
//! what needs two is in the workspace's end-to-end tests.

mod agent;
mod help;
mod skills;
mod usage;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A data directory of its own, which goes when the test ends.
struct Desk {
    dir: TempDir,
}

struct Outcome {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn empty() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn with_agent(name: &str) -> Self {
        let desk = Self::empty();
        let made = desk.json(&["init", "--name", name, "--network", "local", "--bind", "127.0.0.1:0"]);
        assert_eq!(made["ok"], true, "{made}");
        desk
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
        command.env("COWORKER_HOME", self.data()).env("HOME", self.dir.path()).env_remove("RUST_LOG");
        command
    }

    fn run(&self, words: &[&str]) -> Outcome {
        outcome(self.command().args(words))
    }

    /// With `--json`: the one document, whatever the exit code.
    fn json(&self, words: &[&str]) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat());
        assert_eq!(outcome.stdout.lines().count(), 1, "one document: {}", outcome.stdout);
        let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(document["ok"] == true, outcome.exit == 0, "{document} and exit {}", outcome.exit);
        document
    }
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A component that is built from `example-skills`.
fn example(name: &str) -> String {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example-skills/built");
    built.join(format!("{name}.wasm")).to_string_lossy().into_owned()
}

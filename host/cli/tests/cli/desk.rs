use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A data directory of its own, which goes when the test ends.
pub(crate) struct Desk {
    dir: TempDir,
}

pub(crate) struct Outcome {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn empty() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn with_agent(name: &str) -> Self {
        let desk = Self::empty();
        let made = desk.json(&["init", "--name", name, "--network", "local", "--bind", "127.0.0.1:0"]);
        assert_eq!(made["ok"], true, "{made}");
        desk
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
        command.env("COWORKER_HOME", self.data()).env("HOME", self.dir.path()).env_remove("RUST_LOG");
        // Whoever runs the tests may have a model of their own.
        command.env_remove("OPENAI_API_KEY").env_remove("DEEPSEEK_API_KEY");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        outcome(self.command().args(words))
    }

    /// With `--json`: the one document, whatever the exit code.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat());
        assert_eq!(outcome.stdout.lines().count(), 1, "one document: {}", outcome.stdout);
        let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(document["ok"] == true, outcome.exit == 0, "{document} and exit {}", outcome.exit);
        document
    }
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        exit: output.status.code().unwrap_or_else(|| panic!("{}", output.status)),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A component that is built from `example-skills`.
pub(crate) fn example(name: &str) -> String {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example-skills/built");
    built.join(format!("{name}.wasm")).to_string_lossy().into_owned()
}

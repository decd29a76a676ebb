//! Agents of a test: data directories that go with it, commands, and processes that serve.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// No command of these tests takes as long; one that hangs fails its test.
const LONGEST: Duration = Duration::from_mins(1);
const READY: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(20);

/// Where the agents of one test live.
pub(crate) struct Stage {
    dir: TempDir,
}

/// How an agent is made, beyond its name.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// On loopback, beside the stage's other agents of this kind: they find each other.
    Together,
    /// On an address of its own choice; no other agent sees its notice.
    Alone { bind: &'a str },
    /// In a network namespace, on every interface; no other agent sees its notice.
    Namespace(&'a str),
}

/// One agent: a data directory and the ways to use it. Shared between threads that type commands.
#[derive(Clone)]
pub(crate) struct Agent {
    data: PathBuf,
    tmp: PathBuf,
    namespace: Option<String>,
}

pub(crate) struct Outcome {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) document: Value,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A new agent on loopback that finds the stage's others.
    pub(crate) fn agent(&self, name: &str) -> Agent {
        self.agent_at(name, Place::Together)
    }

    /// Who has the program and no agent.
    pub(crate) fn nobody(&self) -> Agent {
        Agent { data: self.dir.path().join("nobody"), tmp: self.dir.path().to_owned(), namespace: None }
    }

    pub(crate) fn agent_at(&self, name: &str, place: Place<'_>) -> Agent {
        let tmp = match place {
            Place::Together => "tmp".to_owned(),
            Place::Alone { .. } | Place::Namespace(_) => format!("tmp-{name}"),
        };
        let tmp = self.dir.path().join(tmp);
        std::fs::create_dir_all(&tmp).unwrap();
        let namespace = match place {
            Place::Namespace(namespace) => Some(namespace.to_owned()),
            Place::Together | Place::Alone { .. } => None,
        };
        let agent = Agent { data: self.dir.path().join(name), tmp, namespace };
        let init = ["init", "--name", name, "--network", "local"];
        match place {
            Place::Together => agent.does(&[&init[..], &["--bind", "127.0.0.1:0"]].concat()),
            Place::Alone { bind } => agent.does(&[&init[..], &["--bind", bind]].concat()),
            Place::Namespace(_) => agent.does(&init),
        };
        agent
    }
}

impl Agent {
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What the agent sees as the temporary directory.
    pub(crate) fn tmp(&self) -> &Path {
        &self.tmp
    }

    /// Runs a command that has to succeed; returns its document.
    #[track_caller]
    pub(crate) fn does(&self, words: &[&str]) -> Value {
        let outcome = self.run(words);
        assert_eq!(
            (outcome.exit, &outcome.document["ok"]),
            (0, &true.into()),
            "{words:?}: {}",
            outcome.stdout
        );
        outcome.document
    }

    /// Runs a command that has to fail; returns the error.
    #[track_caller]
    pub(crate) fn fails(&self, words: &[&str], exit: i32, code: &str) -> Value {
        let mut outcome = self.run(words);
        assert_eq!(
            (outcome.exit, &outcome.document["ok"]),
            (exit, &false.into()),
            "{words:?}: {}",
            outcome.stdout
        );
        let error = outcome.document["error"].take();
        assert_eq!(error["code"], code, "{words:?}: {error}");
        error
    }

    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        let output = assert_cmd::Command::from_std(self.command(words)).timeout(LONGEST).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let document = serde_json::from_str(&stdout).unwrap_or_else(|error| {
            panic!("{words:?}: {error}: {stdout}{}", String::from_utf8_lossy(&output.stderr))
        });
        Outcome { exit: output.status.code().unwrap_or(-1), stdout, document }
    }

    /// Runs a command that has to succeed; returns all that it printed.
    #[track_caller]
    pub(crate) fn lines(&self, words: &[&str]) -> String {
        let output = assert_cmd::Command::from_std(self.command(words)).timeout(LONGEST).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?}: {stdout}");
        stdout
    }

    /// Starts a command and does not wait for it.
    pub(crate) fn starts(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Starts to serve and waits until it does.
    pub(crate) fn serve(&self) -> Serve {
        let log = self.data.with_extension("log");
        let errors = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut child = self
            .command(&["serve", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let (told, hear) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // Read to the end, so that the process never waits for a reader.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = told.send(line);
            }
        });
        let mut serve = Serve { child, ready: Value::Null, log };
        let line = hear.recv_timeout(READY).unwrap();
        serve.ready = serde_json::from_str(&line).unwrap();
        assert_eq!(serve.ready["event"], "ready", "{line}");
        serve
    }

    /// The MLS session with the one peer that the agent has.
    pub(crate) fn session(&self) -> String {
        let peers = self.does(&["peers"]);
        assert_eq!(peers["peers"].as_array().unwrap().len(), 1, "{peers}");
        peers["peers"][0]["session"].as_str().unwrap().to_owned()
    }

    /// Installs an example skill and exposes it, if a tier is named.
    pub(crate) fn installs(&self, skill: &str, from: Option<&str>) {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example-skills/built");
        let file = built.join(skill).with_extension("wasm");
        self.does(&["skill", "add", &file.to_string_lossy(), "--yes"]);
        if let Some(tier) = from {
            self.does(&["skill", "expose", skill, "--from", tier]);
        }
    }

    /// Connects by the other's invite code alone.
    pub(crate) fn connects(&self, other: &Self) -> Value {
        let invite = other.does(&["invite"]);
        self.does(&["connect", invite["code"].as_str().unwrap()])
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let coworker = env!("CARGO_BIN_EXE_coworker");
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, coworker]);
                command
            }
            None => Command::new(coworker),
        };
        command.args(words).arg("--json").env("COWORKER_HOME", &self.data).env("TMPDIR", &self.tmp);
        command.env("HOME", &self.tmp).env_remove("RUST_LOG");
        // Whoever runs the tests may have a model of their own.
        command.env_remove("OPENAI_API_KEY").env_remove("DEEPSEEK_API_KEY");
        command
    }
}

/// A serving process; killed when dropped, and it ends by itself if this process is killed.
pub(crate) struct Serve {
    child: Child,
    pub(crate) ready: Value,
    log: PathBuf,
}

impl Serve {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill_9(mut self) {
        self.die();
    }

    /// The same, at once: it is gone when this returns.
    pub(crate) fn die(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.pid())]).status();
        assert!(sent.unwrap().success());
    }

    /// How it ended, if it did within `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        eventually(limit, || self.child.try_wait().unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read(&self.log).unwrap_or_default();
            let _ = std::io::stderr()
                .write_all(&[self.log.as_os_str().as_encoded_bytes(), b":\n", &log].concat());
        }
    }
}

/// Looks again and again, for `limit` at most.
pub(crate) fn eventually<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..limit.as_millis() / GLANCE.as_millis() {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(GLANCE);
    }
    look()
}

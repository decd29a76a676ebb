//! An actor of the demo: an agent with its own data directory, played by processes of this program.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use coworker_api::ApiError;
use coworker_policy::ErrorCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a `serve` has to say that it is ready.
const READY: Duration = Duration::from_secs(15);
/// How long it has to go.
const FAREWELL: Duration = Duration::from_secs(3);

pub(super) struct Actor {
    pub(super) name: &'static str,
    exe: PathBuf,
    data: PathBuf,
    /// Show the logs of its processes.
    loud: bool,
    serving: Option<Child>,
}

impl Actor {
    pub(super) fn new(name: &'static str, exe: PathBuf, data: PathBuf, loud: bool) -> Self {
        Self { name, exe, data, loud, serving: None }
    }

    /// Runs a command that has to succeed; returns its document.
    pub(super) async fn does(&self, words: &[&str]) -> Result<Value, ApiError> {
        let document = self.runs(words).await?;
        if document["ok"] == true { Ok(document) } else { Err(self.problem(words, &document)) }
    }

    /// Runs a command that has to fail; returns the error that it printed.
    pub(super) async fn fails(&self, words: &[&str]) -> Result<Value, ApiError> {
        let mut document = self.runs(words).await?;
        if document["ok"] == false {
            return Ok(document["error"].take());
        }
        let message = format!("{}: `coworker {}` was to be refused, and was not", self.name, words.join(" "));
        Err(ApiError::new(ErrorCode::Internal, message))
    }

    async fn runs(&self, words: &[&str]) -> Result<Value, ApiError> {
        let output = self.command(words).output().await.map_err(|error| ApiError::fault(&error))?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            let heard = String::from_utf8_lossy(&output.stderr);
            let message = format!("{}: `coworker {}` printed no JSON\n{heard}", self.name, words.join(" "));
            ApiError::new(ErrorCode::Internal, message)
        })
    }

    /// Starts to serve; returns the report that it prints when it is ready.
    pub(super) async fn serve(&mut self) -> Result<Value, ApiError> {
        // It ends with its standard input, so also if this process is killed.
        let mut command = self.command(&["serve", "--until-stdin-ends"]);
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| ApiError::fault(&error))?;
        let stdout = child.stdout.take();
        self.serving = Some(child);
        let mut line = String::new();
        if let Some(stdout) = stdout {
            let mut stdout = BufReader::new(stdout);
            let read = tokio::time::timeout(READY, stdout.read_line(&mut line)).await;
            read.map_err(|_| {
                ApiError::new(ErrorCode::Deadline, format!("{} does not get ready", self.name))
            })?
            .map_err(|error| ApiError::fault(&error))?;
        }
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        if ready["event"] == "ready" { Ok(ready) } else { Err(self.problem(&["serve"], &ready)) }
    }

    /// Stops serving: kindly, then not.
    pub(super) async fn leaves(&mut self) {
        let Some(mut child) = self.serving.take() else { return };
        drop(child.stdin.take());
        if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
            // It may have ended this moment; then there is nothing to kill.
            let _ = child.kill().await;
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.exe);
        command.arg("--data").arg(&self.data).arg("--json").args(words);
        let errors = if self.loud { Stdio::inherit() } else { Stdio::piped() };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        command
    }

    /// The error of the process, in its own words and with its own code.
    fn problem(&self, words: &[&str], document: &Value) -> ApiError {
        let said: Option<ApiError> = serde_json::from_value(document["error"].clone()).ok();
        let (code, message) = said.map_or_else(
            || (ErrorCode::Internal, "it said nothing that makes sense".to_owned()),
            |error| (error.code, error.message),
        );
        ApiError::new(code, format!("{}: `coworker {}` failed: {message}", self.name, shown(words)))
    }
}

/// A command as a person would read it: long words are cut.
fn shown(words: &[&str]) -> String {
    let cut = |word: &&str| {
        if word.chars().count() > 40 {
            word.chars().take(40).chain(['…']).collect()
        } else {
            (*word).to_owned()
        }
    };
    words.iter().map(cut).collect::<Vec<String>>().join(" ")
}

use std::io::{IsTerminal as _, stderr, stdin};
use std::path::{Path, PathBuf};

use coworker_agent::{Environment, Home};
use coworker_api::Operation;
use coworker_api::{ApiError, command_line};
use coworker_policy::ErrorCode;
use tokio_util::sync::CancellationToken;

use crate::args::Cli;
use crate::command;
use crate::print::{self, Live};
use crate::session::Session;

/// The context of every command: the agent, and how to talk to the user.
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) json: bool,
    pub(crate) verbose: u8,
    /// A user is at the terminal and can be asked.
    pub(crate) interactive: bool,
    /// The user named the data directory, so commands that we print name it, too.
    data_named: bool,
}

impl Context {
    pub(crate) fn new(cli: &Cli, data_named: bool) -> Result<Self, ApiError> {
        Ok(Self {
            home: Home::new(data_dir(cli.data.as_deref())?)
                .compiled_by(command::compile::compiler()?)
                .in_environment(Environment::read_by(variable)),
            json: cli.json,
            verbose: cli.verbose,
            data_named,
            interactive: !cli.json && stdin().is_terminal() && stderr().is_terminal(),
        })
    }

    /// Asks the agent one thing, wherever it runs.
    pub(crate) async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, ApiError> {
        self.with_session(async |session| session.run(operation).await).await
    }

    /// Runs a long operation, shows its updates, and cancels it on Ctrl-C.
    /// With `--json`, updates are printed only if the user asked to `stream`.
    pub(crate) async fn ask_live<O: Operation>(
        &self,
        operation: O,
        stream: bool,
    ) -> Result<O::Answer, ApiError> {
        self.with_session(async |session| self.live_in(session, operation, stream).await).await
    }

    /// The same where the agent is asked more than this.
    pub(crate) async fn live_in<O: Operation>(
        &self,
        session: &Session,
        operation: O,
        stream: bool,
    ) -> Result<O::Answer, ApiError> {
        let (cancel, mut live) = (CancellationToken::new(), Live::new(self.json, stream));
        let run = session.run_observed(operation, cancel.clone(), |update| live.show(update));
        tokio::select! {
            answer = run => answer,
            called_off = called_off(&cancel) => Err(called_off),
        }
    }

    /// Asks the agent several things; it is let go of in any case.
    pub(crate) async fn with_session<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let session = Session::open(&self.home).await?;
        let answer = work(&session).await;
        session.close().await;
        answer
    }

    /// Tells people something now; programs wait for the document.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            print::out(text);
        }
    }

    /// A command to type next, for this agent. `rest` is quoted for a shell already.
    pub(crate) fn command(&self, rest: &str) -> String {
        let data = self.data_named.then(|| self.home.dir());
        format!("{} {rest}", command_line(data, [] as [&str; 0]))
    }
}

/// The first Ctrl-C is an orderly end, which may take a moment; the second waits for nothing.
async fn called_off(cancel: &CancellationToken) -> ApiError {
    for _ in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        if cancel.is_cancelled() {
            break;
        }
        cancel.cancel();
    }
    ApiError::new(ErrorCode::Cancelled, "interrupted")
}

/// Milliseconds since the Unix epoch, now.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[expect(clippy::disallowed_methods, reason = "this is the command line")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn data_dir(named: Option<&Path>) -> Result<PathBuf, ApiError> {
    let usage = |message: String| ApiError::new(ErrorCode::Usage, message);
    let dir = match named.filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => dir.to_owned(),
        None => std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .map(|home| home.join(".coworker"))
            .ok_or_else(|| {
                usage("there is no home directory".into()).hint("name a data directory with --data DIR")
            })?,
    };
    // A running `serve` may stand in another directory.
    std::path::absolute(&dir).map_err(|error| usage(format!("cannot use {}: {error}", dir.display())))
}

//! The arguments, and the error for arguments that cannot be parsed.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use coworker_api::ApiError;
use coworker_policy::ErrorCode;

use crate::command;
use crate::context::Context;
use crate::exit::Exit;
use crate::print;
use crate::report::Report;

/// The heading in the help for the options of every command.
const GLOBAL: &str = "Options of every command";

/// Run skills as sandboxed components, and call other agents' skills peer to peer, end-to-end encrypted.
#[derive(Debug, Parser)]
#[command(name = "coworker", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "New here? Watch two agents work together: coworker demo")]
pub(crate) struct Cli {
    /// The agent's data directory [default: ~/.coworker]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "COWORKER_HOME", hide_env_values = true)]
    pub(crate) data: Option<PathBuf>,

    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    /// Log more to stderr (repeatable)
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(command::init::Init),
    Status(command::status::Status),
    #[command(subcommand, alias = "skills")]
    Skill(command::skill::Skill),
    Serve(command::serve::Serve),
    Wrap(command::wrap::Wrap),
    Invite(command::invite::Invite),
    Connect(command::connect::Connect),
    Peers(command::peers::Peers),
    Inspect(command::inspect::Inspect),
    Call(command::call::Call),
    Request(command::request::Request),
    Tasks(command::tasks::Tasks),
    Result(command::result::ResultOf),
    Cancel(command::cancel::Cancel),
    Ping(command::ping::Ping),
    Collaborate(command::collaborate::Collaborate),
    Goals(command::goals::Goals),
    Goal(command::goal::Goal),
    #[command(subcommand)]
    Group(command::group::Group),
    #[command(subcommand)]
    Trust(command::trust::Trust),
    #[command(subcommand)]
    Audit(command::audit::Audit),
    #[command(subcommand)]
    Receipts(command::receipts::Receipts),
    Demo(crate::demo::Demo),
    Relay(command::relay::Relay),
    Llm(command::llm::Llm),
    Doctor(command::doctor::Doctor),
    Version(command::version::Version),
    #[command(name = command::compile::NAME, hide = true)]
    Compile(command::compile::Compile),
    Completions(command::completions::Completions),
}

impl Command {
    pub(crate) fn is_serve(&self) -> bool {
        matches!(self, Self::Serve(_))
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self {
            Self::Init(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::Skill(command) => command.run(context).await,
            Self::Serve(command) => command.run(context).await,
            Self::Wrap(command) => command.run(context),
            Self::Invite(command) => command.run(context).await,
            Self::Connect(command) => command.run(context).await,
            Self::Peers(command) => command.run(context).await,
            Self::Inspect(command) => command.run(context).await,
            Self::Call(command) => command.run(context).await,
            Self::Request(command) => command.run(context).await,
            Self::Tasks(command) => command.run(context).await,
            Self::Result(command) => command.run(context).await,
            Self::Cancel(command) => command.run(context).await,
            Self::Ping(command) => command.run(context).await,
            Self::Collaborate(command) => command.run(context).await,
            Self::Goals(command) => command.run(context).await,
            Self::Goal(command) => command.run(context).await,
            Self::Group(command) => command.run(context).await,
            Self::Trust(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
            Self::Receipts(command) => command.run(context).await,
            Self::Demo(command) => command.run(context).await,
            Self::Llm(command) => command.run(context).await,
            Self::Doctor(command) => command.run(context).await,
            Self::Relay(command) => command.run(context).await,
            Self::Version(command) => Ok(command.run()),
            Self::Compile(command) => command.run(),
            Self::Completions(command) => Ok(command.run()),
        }
    }
}

/// Facts that are needed even if the arguments cannot be parsed.
pub(crate) struct Asked {
    pub(crate) json: bool,
    /// `--data` was typed, so commands that we suggest need it too.
    pub(crate) data: bool,
}

pub(crate) fn asked() -> Asked {
    let words: Vec<_> = std::env::args_os().skip(1).take_while(|word| word != "--").collect();
    let data = |word: &std::ffi::OsString| {
        word.to_str().is_some_and(|word| word.split('=').next() == Some("--data"))
    };
    Asked { json: words.iter().any(|word| word == "--json"), data: words.iter().any(data) }
}

pub(crate) fn parse() -> Result<Cli, clap::Error> {
    Cli::try_parse()
}

/// Help that was asked for is no error; all else is wrong usage.
pub(crate) fn explain(error: &clap::Error, json: bool) -> Exit {
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if json && !help {
        print::failure(&usage(error), true);
        return Exit::Usage;
    }
    // If the terminal is gone there is nobody to tell.
    let _ = error.print();
    if help { Exit::Done } else { Exit::Usage }
}

/// Takes the first paragraph, which names the problem; the rest repeats the usage.
fn usage(error: &clap::Error) -> ApiError {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let message = words.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    ApiError::new(ErrorCode::Usage, message)
        .suggest("see what it takes", ["--help,", "or", "--help", "after", "a", "command"])
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_usage_error_is_one_sentence() {
        let error = Cli::try_parse_from(["coworker", "call", "ada"]).unwrap_err();
        let usage = usage(&error);
        assert_eq!(usage.code, ErrorCode::Usage);
        assert_eq!(usage.message, "the following required arguments were not provided: <SKILL>");
    }
}

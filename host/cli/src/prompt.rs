//! Questions to the user at the terminal.

use std::io::Read as _;

use coworker_api::ApiError;
use coworker_policy::ErrorCode;
use inquire::{Confirm, InquireError, Password, Select, Text};

use crate::context::Context;
use crate::print;

/// More bytes than the agent takes; the agent refuses longer texts.
const MAX_SECRET: u64 = 64 * 1024;

/// The owner's yes: from `--yes`, or asked for on a terminal. `again` is the command that would go through.
pub(crate) fn agree(context: &Context, yes: bool, question: &str, again: &str) -> Result<(), ApiError> {
    if yes {
        return Ok(());
    }
    if !context.interactive {
        return Err(ApiError::new(ErrorCode::Usage, "nobody is there to ask")
            .hint(format!("agree with --yes: {again}")));
    }
    match Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        Ok(false) => Err(cancelled()),
        Err(error) => Err(unanswered(&error)),
    }
}

pub(crate) fn line(question: &str, help: &str) -> Result<String, ApiError> {
    Text::new(question).with_help_message(help).prompt().map_err(|error| unanswered(&error))
}

/// A secret: typed unseen on a terminal, or the whole of standard input without the line feed at its end. Never
/// an argument: those are in the shell's history and in the list of processes.
pub(crate) fn secret(context: &Context, name: &str) -> Result<String, ApiError> {
    if context.interactive {
        let question = format!("{}:", print::plain(name));
        let asked = Password::new(&question).without_confirmation().prompt();
        return asked.map_err(|error| unanswered(&error));
    }
    let usage = |message: &str| ApiError::new(ErrorCode::Usage, message);
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_SECRET + 1).read_to_string(&mut text);
    read.map_err(|error| usage(&format!("cannot read standard input: {error}")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err(usage("standard input has no secret")) } else { Ok(text.to_owned()) }
}

/// Which of `choices`, by position.
pub(crate) fn choice(question: &str, choices: &[&str]) -> Result<usize, ApiError> {
    let chosen = Select::new(question, choices.to_vec()).raw_prompt().map_err(|error| unanswered(&error))?;
    Ok(chosen.index)
}

fn unanswered(error: &InquireError) -> ApiError {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => cancelled(),
        other => ApiError::fault(other),
    }
}

fn cancelled() -> ApiError {
    ApiError::new(ErrorCode::Cancelled, "nothing was changed")
}

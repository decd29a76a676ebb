//! Questions to whoever sits at the terminal.

use coworker_agent::OpError;
use coworker_policy::ErrorCode;
use inquire::{Confirm, InquireError, Select, Text};

use crate::context::Context;

/// The owner's yes: from `--yes`, or asked for on a terminal. `again` is the command that would go through.
pub(crate) fn agree(context: &Context, yes: bool, question: &str, again: &str) -> Result<(), OpError> {
    if yes {
        return Ok(());
    }
    if !context.interactive {
        return Err(OpError::new(ErrorCode::Usage, "nobody is there to ask")
            .hint(format!("agree with --yes: {again}")));
    }
    match Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        Ok(false) => Err(cancelled()),
        Err(error) => Err(unanswered(&error)),
    }
}

pub(crate) fn line(question: &str, help: &str) -> Result<String, OpError> {
    Text::new(question).with_help_message(help).prompt().map_err(|error| unanswered(&error))
}

/// Which of `choices`, by position.
pub(crate) fn choice(question: &str, choices: &[&str]) -> Result<usize, OpError> {
    let chosen = Select::new(question, choices.to_vec()).raw_prompt().map_err(|error| unanswered(&error))?;
    Ok(chosen.index)
}

fn unanswered(error: &InquireError) -> OpError {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => cancelled(),
        other => OpError::fault(other),
    }
}

fn cancelled() -> OpError {
    OpError::new(ErrorCode::Cancelled, "nothing was changed")
}

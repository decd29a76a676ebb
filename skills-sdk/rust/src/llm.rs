//! The owner's language model, with the owner's key and within the owner's budgets.
//!
//! Outside of `wasm32`, where tests run, there is no model: every request fails with [`LlmError::Unavailable`].
//! Keep the code that builds the messages apart from the code that sends them, and test the former.

use std::fmt;

use crate::bindings::coworker::skill::llm as host;
use crate::error::SkillError;

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The skill's instructions. Keep what a caller wrote out of them.
    System,
    /// The material to work on: data.
    User,
    /// An earlier answer of the model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

/// Options for the answer. The defaults are those of the model and of the call's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// From 0, for the most likely words, to 2.
    pub temperature: Option<f32>,
    /// The most tokens of the answer. The default is the rest of the call's budget, at most 4096.
    pub max_tokens: Option<u32>,
    /// Asks for one JSON value.
    pub json: bool,
    /// Streams the answer to the caller as it arrives, like [`call::emit`](crate::call::emit).
    pub emit: bool,
}

/// The reason that an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The answer is complete.
    Stop,
    /// The answer reached [`Options::max_tokens`].
    Length,
    /// The provider withheld the rest.
    Filtered,
}

/// The model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub finish: Finish,
    /// The tokens as the model counted them, or an estimate if it does not.
    pub input_tokens: u64,
    pub output_tokens: u64,
}

/// The reason that there is no answer. The texts are fixed sentences of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LlmError {
    /// This call must not use the model.
    Denied(String),
    /// The budget of this call or of the day is used up.
    OverBudget(String),
    /// No model is configured, or it does not answer; the same request may work later.
    Unavailable(String),
    /// The messages or options are invalid. The text tells how to change them.
    Invalid(String),
    /// Any other failure.
    Other(String),
}

impl Message {
    /// Makes a message with the skill's instructions.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// Makes a message with material to work on.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// Makes a message with an earlier answer of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Sends a conversation of 1 to 64 messages with at most 1 MiB of text in all, and waits for the answer.
///
/// # Errors
/// If the owner did not grant the model, a budget is used up, or no model answers.
pub fn complete(messages: &[Message], options: Options) -> Result<Completion, LlmError> {
    if !cfg!(target_arch = "wasm32") {
        return Err(LlmError::Unavailable("there is no language model outside of coworker".to_owned()));
    }
    let messages: Vec<host::Message> = messages.iter().cloned().map(Into::into).collect();
    host::complete(&messages, options.into()).map(Into::into).map_err(Into::into)
}

impl From<Message> for host::Message {
    fn from(message: Message) -> Self {
        let role = match message.role {
            Role::System => host::Role::System,
            Role::User => host::Role::User,
            Role::Assistant => host::Role::Assistant,
        };
        Self { role, content: message.content }
    }
}

impl From<Options> for host::Options {
    fn from(options: Options) -> Self {
        let Options { temperature, max_tokens, json, emit } = options;
        Self { temperature, max_tokens, json, emit }
    }
}

impl From<host::Completion> for Completion {
    fn from(completion: host::Completion) -> Self {
        let finish = match completion.finish {
            host::Finish::Stop => Finish::Stop,
            host::Finish::Length => Finish::Length,
            host::Finish::Filtered => Finish::Filtered,
        };
        let host::Completion { text, input_tokens, output_tokens, .. } = completion;
        Self { text, finish, input_tokens, output_tokens }
    }
}

impl From<host::LlmError> for LlmError {
    fn from(error: host::LlmError) -> Self {
        match error {
            host::LlmError::Denied(why) => Self::Denied(why),
            host::LlmError::OverBudget(why) => Self::OverBudget(why),
            host::LlmError::Unavailable(why) => Self::Unavailable(why),
            host::LlmError::Invalid(why) => Self::Invalid(why),
            host::LlmError::Other(why) => Self::Other(why),
        }
    }
}

impl fmt::Display for LlmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why)
            | Self::OverBudget(why)
            | Self::Unavailable(why)
            | Self::Invalid(why)
            | Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for LlmError {}

/// Lets a skill that needs the model use `?`.
impl From<LlmError> for SkillError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Denied(why) => Self::Denied(why),
            LlmError::OverBudget(why) | LlmError::Unavailable(why) => Self::Unavailable(why),
            LlmError::Invalid(why) | LlmError::Other(why) => Self::Other(why),
        }
    }
}

//! The owner's language model, with the owner's key and within the owner's budgets.
//!
//! Off `wasm32`, where tests run, there is no model: every question is answered with
//! [`LlmError::Unavailable`]. Keep what asks apart from what makes the question, and test that.

use std::fmt;

use crate::bindings::coworker::skill::llm as host;
use crate::error::SkillError;

/// Whose words a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The skill's instructions. Keep what a caller wrote out of them.
    System,
    /// What is to be worked with: data.
    User,
    /// What the model said before.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

/// How the model is to answer. The default leaves all to the model and the call's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// 0 for the likeliest words, up to 2 for surprising ones.
    pub temperature: Option<f32>,
    /// Most tokens of the answer; otherwise what is left of the call's budget, at most 4096.
    pub max_tokens: Option<u32>,
    /// The answer is one JSON value.
    pub json: bool,
    /// The caller hears the answer while it comes, as by [`call::emit`](crate::call::emit).
    pub emit: bool,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is whole.
    Stop,
    /// It reached [`Options::max_tokens`].
    Length,
    /// The provider kept the rest back.
    Filtered,
}

/// What the model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub finish: Finish,
    /// Tokens as they were counted: by the model where it counts, otherwise an estimate.
    pub input_tokens: u64,
    pub output_tokens: u64,
}

/// Why there is no answer. The texts are the host's, fixed sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LlmError {
    /// This call may not use the model.
    Denied(String),
    /// A budget of this call, or of the day, has no room for it.
    OverBudget(String),
    /// No model is set up, or it does not answer now; the same may work later.
    Unavailable(String),
    /// The messages or options cannot be sent; says what to change.
    Invalid(String),
    /// Anything else.
    Other(String),
}

impl Message {
    /// The skill's instructions.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// What is to be worked with.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// What the model said before.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Sends a conversation of 1 to 64 messages, at most 1 MiB of text together, and waits for the answer.
///
/// # Errors
/// Without the owner's grant, over a budget, and where no model answers.
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

/// For a skill that cannot do without the model.
impl From<LlmError> for SkillError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Denied(why) => Self::Denied(why),
            LlmError::OverBudget(why) | LlmError::Unavailable(why) => Self::Unavailable(why),
            LlmError::Invalid(why) | LlmError::Other(why) => Self::Other(why),
        }
    }
}

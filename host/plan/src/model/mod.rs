//! The planner that asks a language model.
//!
//! A model's plan is checked like any other: it can name visible skills only, and the owner sees it before it is
//! carried out. The goal and the agents' texts reach the model as data between marks that no agent can guess.

mod answer;
mod chat;
mod message;

use std::fmt::Display;

pub use self::chat::{ChatMessage, ChatRole};
use self::message::Conversation;
use crate::brief::brief;
use crate::check::Checked;
use crate::goal::{Goal, NoPlan, Planned, Planner};
use crate::problem::PlanError;
use crate::visible::VisibleSkills;
use crate::words::plan_from_words;

/// Asks a language model for a plan, at most twice. Falls back to [the words](plan_from_words) if it gives none.
///
/// `nonce` is random and secret: it marks the data in the messages. `ask` sends messages and returns the model's text;
/// its error is a reason for people.
// A plain closure, not `AsyncFnMut`: the language cannot yet require that the future of one is `Send`.
pub async fn plan_with_model<E, F>(
    goal: &Goal,
    visible: &VisibleSkills,
    nonce: &str,
    mut ask: impl FnMut(Vec<ChatMessage>) -> F,
) -> Result<Planned, NoPlan>
where
    E: Display,
    F: Future<Output = Result<String, E>>,
{
    if visible.is_empty() {
        return Err(NoPlan::NothingShown);
    }
    let mut conversation = Conversation::new(goal, visible, nonce);
    let mut why = String::new();
    for by in [Planner::Model, Planner::ModelRepaired] {
        let answer = match ask(conversation.messages().to_vec()).await {
            Ok(answer) => answer,
            Err(error) => return from_words(goal, visible, &error.to_string()),
        };
        match read(&answer, goal, visible) {
            Ok(checked) => return Ok(Planned { checked, by, because: Vec::new(), unmatched: Vec::new() }),
            Err(error) => {
                conversation.fix(&answer, &error);
                why = error.to_string();
            }
        }
    }
    from_words(goal, visible, &why)
}

fn read(answer: &str, goal: &Goal, visible: &VisibleSkills) -> Result<Checked, PlanError> {
    answer::plan(answer, goal, visible)?.check(&goal.input, visible)
}

fn from_words(goal: &Goal, visible: &VisibleSkills, why: &str) -> Result<Planned, NoPlan> {
    let why = brief(why);
    match plan_from_words(goal, visible) {
        Ok(planned) => Ok(Planned { by: Planner::WordsInstead { why }, ..planned }),
        Err(words) => Err(NoPlan::NeitherWay { why, words: Box::new(words) }),
    }
}

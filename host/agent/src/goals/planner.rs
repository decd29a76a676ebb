//! Makes a plan from a few words.

use coworker_policy::RequestId;
use std::sync::{Mutex, PoisonError};

use coworker_api::ops::ModelUse;
use coworker_plan::{
    Because, Goal, NoPlan, Planned, Planner, VisibleSkills, plan_from_words, plan_with_model,
};

use super::ours::Goals;
use crate::model::{Model, Setup};

/// Words of a goal that are listed at most.
const WORDS: usize = 12;

/// A checked plan and its origin.
pub(crate) struct Made {
    pub(crate) planned: Planned,
    /// For the owner, as the end of "planned …".
    pub(crate) by: String,
    /// The reason why the model did not make it, where it was asked to.
    pub(crate) note: Option<String>,
    pub(crate) asked: Option<ModelUse>,
}

/// Makes a plan with the owner's model, if it is ready and wanted, else from the words. If the model fails, the owner
/// gets a simpler plan instead of none.
pub(crate) async fn plan(
    goals: &Goals,
    goal: &Goal,
    shown: &VisibleSkills,
    ask: bool,
) -> Result<Made, NoPlan> {
    let words = |note| {
        let planned = plan_from_words(goal, shown)?;
        Ok(Made { by: by_words(&planned.because), planned, note, asked: None })
    };
    match goals.model.setup() {
        _ if !ask => words(None),
        Setup::Absent => words(None),
        Setup::Unready(error) => {
            words(Some(format!("the language model is not asked: {}", error.told().message)))
        }
        Setup::Ready(model) => plan_by(goals, model, goal, shown).await,
    }
}

async fn plan_by(goals: &Goals, model: &Model, goal: &Goal, shown: &VisibleSkills) -> Result<Made, NoPlan> {
    let (plan, asked) = (RequestId::random(), Mutex::new(ModelUse::default()));
    let ask = |messages| {
        let asked = &asked;
        async move {
            let (used, answer) = goals.model.ask_for_plan(model, plan, messages).await;
            let mut sum = asked.lock().unwrap_or_else(PoisonError::into_inner);
            *sum = sum.and(used);
            answer
        }
    };
    // The authors of cards cannot know this value, so no card can imitate it.
    let nonce = RequestId::random().to_string();
    let planned = plan_with_model(goal, shown, &nonce, ask).await?;
    let asked = asked.into_inner().unwrap_or_else(PoisonError::into_inner);
    let name = model.endpoint().model();
    let (by, note) = match &planned.by {
        Planner::Model => (format!("by your model {name}, {asked}"), None),
        Planner::ModelRepaired => (format!("by your model {name} at its second try, {asked}"), None),
        Planner::WordsInstead { why } => {
            let cost = if asked.tokens > 0 { format!(" ({asked})") } else { String::new() };
            (by_words(&planned.because), Some(format!("your model {name} gave no plan{cost}: {why}")))
        }
        Planner::Words => (by_words(&planned.because), None),
    };
    Ok(Made { planned, by, note, asked: Some(asked) })
}

fn by_words(because: &[Because]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in because.iter().flat_map(|because| &because.words) {
        if !words.contains(&word.as_str()) {
            words.push(word);
        }
    }
    let more = if words.len() > WORDS { ", …" } else { "" };
    words.truncate(WORDS);
    format!("by the words of the goal: matched {}{more}", words.join(", "))
}

use coworker_policy::{SkillName, Text};
use serde_json::Value;

use crate::checked::Checked;
use crate::problem::PlanError;

/// What the owner wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// In the owner's words.
    pub text: Text,
    /// What it is to be done with: any JSON; a plain text is a JSON string; [`Value::Null`] for nothing.
    pub input: Value,
}

/// A plan that a planner made, and why it made this one.
#[derive(Clone, Debug)]
pub struct Planned {
    pub checked: Checked,
    pub by: Planner,
    /// Which words of the goal led to which steps; empty for a model's plan.
    pub because: Vec<Because>,
    /// Words of the goal that ask for something that no step does; empty for a model's plan.
    pub unmatched: Vec<String>,
}

/// Words of the goal that a step was chosen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    pub step: SkillName,
    /// As they stand in the goal.
    pub words: Vec<String>,
}

/// Who made a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planner {
    /// The words of the goal and those of the cards.
    Words,
    /// The words, because the model gave no plan: for this reason.
    WordsInstead { why: String },
    /// A language model.
    Model,
    /// A language model, when it was told what was wrong with its first plan.
    ModelRepaired,
}

/// Why there is no plan for a goal.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    #[error("no agent shows a skill")]
    NothingShown,
    /// `skills` is what there is, as `agent/skill`.
    #[error("the words of the goal match no skill that is shown")]
    NothingMatches { skills: Vec<String> },
    #[error("`{skill}` matches, but nothing says what its `{field}` is to be")]
    NoInput { skill: String, field: String },
    #[error("the plan that was made cannot be carried out")]
    Unfit(#[source] PlanError),
    /// Nor did the model.
    #[error("the model gave no plan ({why}), and the words of the goal make none")]
    NeitherWay {
        why: String,
        #[source]
        words: Box<NoPlan>,
    },
}

impl NoPlan {
    /// What would help.
    pub fn hint(&self) -> String {
        match self {
            Self::NothingShown => {
                "connect to an agent that shows skills, or add a skill of your own".to_owned()
            }
            Self::NothingMatches { skills } if skills.is_empty() => Self::NothingShown.hint(),
            Self::NothingMatches { skills } => {
                format!(
                    "{}, write the plan yourself (`--plan FILE`), or configure a language model",
                    name(skills)
                )
            }
            Self::NoInput { field, .. } => {
                format!("give it: `--input '{{\"{field}\": …}}'`, or `--input @FILE` for a text")
            }
            Self::Unfit(_) => "write the plan yourself (`--plan FILE`)".to_owned(),
            Self::NeitherWay { words, .. } => match &**words {
                Self::NothingMatches { skills } if !skills.is_empty() => {
                    format!("{}, or write the plan yourself (`--plan FILE`)", name(skills))
                }
                other => other.hint(),
            },
        }
    }
}

fn name(skills: &[String]) -> String {
    format!("name what is to be done as the skills do ({})", skills.join(", "))
}

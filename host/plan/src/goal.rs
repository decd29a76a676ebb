use coworker_policy::{SkillName, Text};
use serde_json::Value;

use crate::check::Checked;
use crate::problem::PlanError;

/// The owner's goal.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// In the owner's words.
    pub text: Text,
    /// The material for the goal as JSON. A plain text is a JSON string; [`Value::Null`] means no input.
    pub input: Value,
}

/// A plan from a planner, and the reasons for its steps.
#[derive(Clone, Debug)]
pub struct Planned {
    pub checked: Checked,
    pub by: Planner,
    /// The words of the goal that led to each step; empty for a model's plan.
    pub because: Vec<Because>,
    /// Words of the goal that ask for work that no step does; empty for a model's plan.
    pub unmatched: Vec<String>,
}

/// The words of the goal that a step was chosen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    pub step: SkillName,
    /// As they stand in the goal.
    pub words: Vec<String>,
}

/// The planner that made a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planner {
    /// Matched the words of the goal with those of the cards.
    Words,
    /// Used the words because the model gave no valid plan.
    WordsInstead { why: String },
    /// Asked a language model.
    Model,
    /// Asked a language model a second time, with the problems of its first plan.
    ModelRepaired,
}

/// The reason that a planner made no plan.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    #[error("no agent shows a skill")]
    NothingShown,
    /// `skills` lists the visible skills as `agent/skill`.
    #[error("no visible skill matches the words of the goal")]
    NothingMatches { skills: Vec<String> },
    #[error("`{skill}` matches the goal, but its input `{field}` has no value")]
    NoInput { skill: String, field: String },
    #[error("the plan made from the goal is not valid")]
    Unfit(#[source] PlanError),
    /// Neither the model nor the words made a plan.
    #[error("the model gave no plan ({why}), and neither did the words of the goal")]
    NeitherWay {
        why: String,
        #[source]
        words: Box<NoPlan>,
    },
}

impl NoPlan {
    /// Suggests a fix.
    pub fn hint(&self) -> String {
        match self {
            Self::NothingShown => {
                "connect to an agent that shows skills, or add a skill of your own".to_owned()
            }
            Self::NothingMatches { skills } if skills.is_empty() => Self::NothingShown.hint(),
            Self::NothingMatches { skills } => {
                format!(
                    "{}, write the plan yourself (`--plan FILE`), or configure a language model",
                    use_words_of(skills)
                )
            }
            Self::NoInput { field, .. } => {
                format!("pass it as `--input '{{\"{field}\": …}}'`, or pass a text as `--input @FILE`")
            }
            Self::Unfit(_) => "write the plan yourself (`--plan FILE`)".to_owned(),
            Self::NeitherWay { words, .. } => match &**words {
                Self::NothingMatches { skills } if !skills.is_empty() => {
                    format!("{}, or write the plan yourself (`--plan FILE`)", use_words_of(skills))
                }
                other => other.hint(),
            },
        }
    }
}

fn use_words_of(skills: &[String]) -> String {
    format!("describe the work in the words of the skills ({})", skills.join(", "))
}

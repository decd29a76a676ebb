use std::fmt;

use coworker_policy::{SkillName, Text, VersionPin};
use semver::Version;

use crate::plan::Plan;
use crate::pointer::Pointer;
use crate::reference::Reference;
use crate::template::Template;

/// Why a plan cannot be carried out: one or more problems, those of the whole plan first.
#[derive(Debug)]
pub struct PlanError(Vec<Problem>);

/// What is wrong with a plan, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("the plan has {size} bytes; at most {max} are allowed", max = Plan::MAX)]
    TooLarge { size: usize },
    #[error("not a plan: {0}")]
    Unreadable(String),
    #[error("the plan has {count} {what}; at most {max} are allowed")]
    TooMany { what: &'static str, count: usize, max: usize },
    #[error("the plan has no steps")]
    Empty,
    #[error("two key results have the id `{0}`; ids are unique")]
    SameKeyResult(SkillName),
    #[error("two steps have the id `{0}`; ids are unique")]
    SameStep(SkillName),
    #[error("key result `{0}` has no step that counts for it")]
    IdleKeyResult(SkillName),
    #[error("steps wait for each other in a circle: {}", chain(.0))]
    Circle(Vec<SkillName>),
    #[error("{length} steps wait one for the other; at most {max} may", max = Plan::CHAIN)]
    TooLong { length: usize },
    #[error("step `{step}`: {fault}")]
    Step { step: SkillName, fault: Fault },
}

/// What is wrong with one step.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("no step may have this id: in a reference it means the goal's own input")]
    Reserved,
    #[error("no key result has the id `{0}`")]
    NoKeyResult(SkillName),
    #[error("it refers to step `{0}`, which is not in the plan")]
    NoStep(SkillName),
    #[error("{0} takes no part in this plan")]
    NoAgent(String),
    #[error("{agent} shows no skill `{skill}`")]
    NoSkill { agent: String, skill: SkillName },
    #[error("`{skill}` is shown in version {shown}, which is not {pin}")]
    Version { skill: SkillName, shown: Version, pin: VersionPin },
    #[error("the input schema of `{skill}` is not one that an input can be checked against: {why}")]
    Schema { skill: SkillName, why: String },
    #[error("{}: the goal came without that input", .0)]
    NoGoalInput(Reference),
    #[error("{reference}: {why}")]
    NoOutput { reference: Reference, why: String },
    #[error("{reference} does not fit `{place}` of the input: {why}")]
    Misfit { reference: Reference, place: Pointer, why: String },
    #[error("the input does not fit: {0}")]
    Literal(String),
    #[error("the input has to have the field `{0}`")]
    Missing(String),
    #[error("the input takes no field `{0}`")]
    Unknown(String),
    #[error("the input has more than {max} bytes with the goal's own input in it", max = Template::FILLED)]
    InputTooLarge,
}

impl PlanError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// At least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for PlanError {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SAID: usize = 8;
        for (i, problem) in self.0.iter().take(SAID).enumerate() {
            write!(f, "{}{problem}", if i > 0 { "; " } else { "" })?;
        }
        match self.0.len().saturating_sub(SAID) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for PlanError {}

fn chain(steps: &[SkillName]) -> String {
    steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(" → ")
}

/// Names and reasons that somebody else wrote, for one line of an error.
pub(crate) fn brief(text: &str) -> String {
    const MAX: usize = 200;
    let one_line = |c: char| if c.is_whitespace() { ' ' } else { c };
    let mut brief = Text::sanitized(&text.chars().take(MAX).map(one_line).collect::<String>()).to_string();
    if text.chars().nth(MAX).is_some() {
        brief.push('…');
    }
    brief
}

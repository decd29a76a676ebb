use std::fmt;

use coworker_policy::{SkillName, VersionPin};
use semver::Version;

use crate::plan::Plan;
use crate::pointer::Pointer;
use crate::reference::Reference;
use crate::template::Template;

/// The reasons that a plan cannot be carried out: at least one, those of the whole plan first.
#[derive(Debug)]
pub struct PlanError(Vec<Problem>);

/// One reason that a plan cannot be carried out, as a text for its author.
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
    #[error("two key results have the id `{0}`; ids must be unique")]
    SameKeyResult(SkillName),
    #[error("two steps have the id `{0}`; ids must be unique")]
    SameStep(SkillName),
    #[error("no step counts toward the key result `{0}`; add a step or remove the key result")]
    IdleKeyResult(SkillName),
    #[error("steps depend on each other in a cycle: {}", chain(.0))]
    Cycle(Vec<SkillName>),
    #[error("{length} steps depend on each other in a chain; at most {max} are allowed", max = Plan::CHAIN)]
    TooLong { length: usize },
    #[error("step `{step}`: {problem}")]
    Step { step: SkillName, problem: StepProblem },
}

/// One reason that a step cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StepProblem {
    #[error("this id is reserved for the goal's own input; choose another one")]
    Reserved,
    #[error("no key result has the id `{0}`")]
    NoKeyResult(SkillName),
    #[error("it refers to the step `{0}`, which is not in the plan")]
    NoStep(SkillName),
    #[error("{0} does not take part in this plan")]
    NoAgent(String),
    #[error("{agent} shows no skill `{skill}`")]
    NoSkill { agent: String, skill: SkillName },
    #[error("`{skill}` has version {version}, which does not match {pin}")]
    Version { skill: SkillName, version: Version, pin: VersionPin },
    #[error("the input schema of `{skill}` cannot be used: {why}")]
    Schema { skill: SkillName, why: String },
    #[error("{0}: the goal's input has no such value")]
    NoGoalInput(Reference),
    #[error("{reference}: {why}")]
    NoOutput { reference: Reference, why: String },
    #[error("{reference} does not fit `{place}` of the input: {why}")]
    Misfit { reference: Reference, place: Pointer, why: String },
    #[error("the input does not match the skill's schema: {0}")]
    Literal(String),
    #[error("the input must have the field `{0}`")]
    Missing(String),
    #[error("the input must not have the field `{0}`")]
    Unknown(String),
    #[error("the input exceeds {max} bytes once the goal's input is filled in", max = Template::FILLED)]
    InputTooLarge,
}

impl PlanError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// Returns the problems, at least one.
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
        const LISTED: usize = 8;
        for (i, problem) in self.0.iter().take(LISTED).enumerate() {
            write!(f, "{}{problem}", if i > 0 { "; " } else { "" })?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for PlanError {}

fn chain(steps: &[SkillName]) -> String {
    steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(" → ")
}

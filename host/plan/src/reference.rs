use std::fmt;

use coworker_policy::SkillName;
use serde_json::{Map, Value};

use crate::pointer::{Pointer, PointerError};

/// A value that a step takes from elsewhere: `{"$from": "goal", "at": "/field"}` or `{"$from": "STEP", "at": "/field"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub from: Source,
    /// The place in the source's value; the whole value by default.
    pub at: Pointer,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The input that came with the goal.
    Goal,
    /// The output of an earlier step.
    Step(SkillName),
}

/// The member that marks an object as a reference.
pub(crate) const FROM: &str = "$from";
const AT: &str = "at";
/// The goal's name as a source. No step may have this id.
pub(crate) const GOAL: &str = "goal";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ReferenceError {
    #[error("not a reference")]
    Malformed,
    #[error("bad `at`")]
    At(#[source] PointerError),
}

impl Reference {
    pub(crate) fn parse(fields: &Map<String, Value>) -> Result<Self, ReferenceError> {
        let at = match fields.get(AT) {
            None => Pointer::default(),
            Some(Value::String(at)) => at.parse().map_err(ReferenceError::At)?,
            Some(_) => return Err(ReferenceError::Malformed),
        };
        let expected = 1 + usize::from(fields.contains_key(AT));
        let from = fields.get(FROM).and_then(Value::as_str).filter(|_| fields.len() == expected);
        let from = match from {
            Some(GOAL) => Source::Goal,
            Some(step) => Source::Step(step.parse().map_err(|_| ReferenceError::Malformed)?),
            None => return Err(ReferenceError::Malformed),
        };
        Ok(Self { from, at })
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut fields = Map::new();
        fields.insert(FROM.to_owned(), self.from.to_string().into());
        if !self.at.is_whole() {
            fields.insert(AT.to_owned(), self.at.as_str().into());
        }
        Value::Object(fields)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goal => f.pad(GOAL),
            Self::Step(step) => step.fmt(f),
        }
    }
}

/// Writes `goal/field`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.from, self.at)
    }
}

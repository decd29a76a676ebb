use std::fmt;

/// Why a skill brings no result. The text reaches the caller: keep private material out of it and
/// write that to [`log`](crate::log) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillError {
    /// The input cannot be worked with; says what to change.
    InvalidInput(String),
    /// The skill will not do this for this caller.
    Denied(String),
    /// Something the skill needs does not answer now; the same call may work later.
    Unavailable(String),
    /// The skill saw [`call::is_cancelled`](crate::call::is_cancelled) and stopped.
    Cancelled,
    /// The skill saw too little [`call::remaining`](crate::call::remaining) and stopped.
    Deadline,
    /// Anything else.
    Other(String),
}

impl fmt::Display for SkillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidInput(why) => write!(f, "invalid input: {why}"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Unavailable(why) => write!(f, "unavailable: {why}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Deadline => f.write_str("out of time"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SkillError {}

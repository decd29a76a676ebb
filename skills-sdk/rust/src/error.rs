use std::fmt;

/// The reason that a skill returns no result. The caller sees the text, so write private material to
/// [`log`](crate::log) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillError {
    /// The input is not usable. The text tells the caller how to change it.
    InvalidInput(String),
    /// The skill refuses this caller.
    Denied(String),
    /// A dependency of the skill does not answer; the same call may work later.
    Unavailable(String),
    /// The skill saw [`call::is_cancelled`](crate::call::is_cancelled) and stopped.
    Cancelled,
    /// The skill saw too little [`call::remaining`](crate::call::remaining) and stopped.
    Deadline,
    /// Any other failure.
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

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The treatment of an answer that contains private text. Secrets and canaries are withheld in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LeakMode {
    /// The caller gets no answer.
    #[default]
    Block,
    /// The caller gets `[withheld]` in place of the words, if the answer still fits its schema.
    Redact,
    /// The caller gets the answer, and the owner's audit log records the leak.
    Report,
}

impl LeakMode {
    pub const ALL: [Self; 3] = [Self::Block, Self::Redact, Self::Report];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Redact => "redact",
            Self::Report => "report",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be `block`, `redact` or `report`")]
pub struct LeakModeError;

impl FromStr for LeakMode {
    type Err = LeakModeError;

    fn from_str(text: &str) -> Result<Self, LeakModeError> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(LeakModeError)
    }
}

/// The reason why an answer was withheld. For the owner only: the caller learns nothing but that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leak {
    /// So many private words in long runs.
    Words(usize),
    /// A run of private letters, with anything between them.
    Letters,
    /// The mark that was planted in the private text.
    Canary,
    Secret,
    /// More private words in short runs than this caller may receive in all calls together.
    Budget {
        max: u64,
    },
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => write!(f, "{words} words of the skill's private text"),
            Self::Letters => f.write_str("letters of the skill's private text"),
            Self::Canary => f.write_str("the canary that was planted in the skill's private text"),
            Self::Secret => f.write_str("one of the skill's secrets"),
            Self::Budget { max } => write!(
                f,
                "more private words than the {max} (leak_words) that one caller may receive in all calls"
            ),
        }
    }
}

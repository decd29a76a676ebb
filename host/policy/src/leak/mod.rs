//! The leak guard: finds a component's private texts and secrets in what it is about to tell its caller.
//!
//! Pure and bounded: a text is read a fixed number of times, and only hashes of private text are kept. What is
//! found, and what is not, stands in `docs/threats.md`.

mod disclosed;
mod fold;
mod guard;
mod index;
mod tokens;
mod views;
mod watch;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use disclosed::Disclosed;
pub use guard::{Guard, Private};
pub(crate) use watch::Held;
pub use watch::{Account, Place, Sighting, Watch};

/// What stands in place of what was taken out.
const WITHHELD: &str = "[withheld]";

/// What happens to an answer with private text in it. Secrets and canaries are withheld in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Leaks {
    /// The caller gets no answer.
    #[default]
    Block,
    /// The caller gets `[withheld]` in place of the words, if the answer still fits its schema.
    Redact,
    /// The owner's audit log has it, and the caller gets the answer.
    Report,
}

/// Why something was withheld. For the owner: the caller learns that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leak {
    /// So many private words in long runs.
    Words(usize),
    /// Private letters in a row, whatever stood between them.
    Letters,
    /// The mark that was planted in the private text.
    Canary,
    Secret,
    /// Short runs, in all calls of this caller together.
    Budget {
        max: u64,
    },
}

impl Leaks {
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
pub struct LeaksError;

impl FromStr for Leaks {
    type Err = LeaksError;

    fn from_str(text: &str) -> Result<Self, LeaksError> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(LeaksError)
    }
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
                "private words, more than the {max} (leak_words) that may leave for one caller in all calls"
            ),
        }
    }
}

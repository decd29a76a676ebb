use std::fmt;
use std::str::FromStr;

use coworker_policy::Text;

/// A group's name, chosen by its steward: 1 to 64 bytes of plain text on one line. Every member displays it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a group's name must be 1 to {max} bytes of plain text on one line", max = GroupName::MAX)]
pub struct GroupNameError;

impl GroupName {
    /// Longest name, in bytes.
    pub const MAX: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, GroupNameError> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.len()) && !text.contains(['\n', '\t']);
        if fits && Text::new(text).is_ok() { Ok(Self(text.to_owned())) } else { Err(GroupNameError) }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

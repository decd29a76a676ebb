use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use coworker_policy::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A place in a JSON value (RFC 6901): empty for the whole value, otherwise `/field/0/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PointerError {
    #[error("longer than {max} bytes", max = Pointer::MAX)]
    TooLong,
    #[error("more than {max} levels deep", max = Pointer::LEVELS)]
    TooDeep,
    #[error("not a JSON pointer; write `/field/0`, with `~0` for `~` and `~1` for `/` in a name")]
    Malformed,
}

impl Pointer {
    /// The longest pointer, in bytes.
    pub const MAX: usize = 512;
    /// The most names and numbers in one pointer.
    pub const LEVELS: usize = 32;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pointer means the whole value.
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the unescaped names and numbers, from the outside in.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|name| {
            if name.contains('~') { name.replace("~1", "/").replace("~0", "~").into() } else { name.into() }
        })
    }

    /// Returns the part of `value` at this place.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.pointer(&self.0)
    }

    /// Points to a field of the whole value. Returns `None` if the name does not make a valid pointer.
    pub fn field(name: &str) -> Option<Self> {
        format!("/{}", escaped(name)).parse().ok()
    }
}

/// Escapes a name for use in a pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.len() > Self::MAX {
            return Err(PointerError::TooLong);
        }
        if text.matches('/').count() > Self::LEVELS {
            return Err(PointerError::TooDeep);
        }
        let begins = text.is_empty() || text.starts_with('/');
        let tildes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        // People see pointers in errors and in a rendered plan, so they must not contain control characters.
        let plain = Text::new(text).is_ok();
        if begins && tildes && plain { Ok(Self(text.to_owned())) } else { Err(PointerError::Malformed) }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;

    fn try_from(text: String) -> Result<Self, PointerError> {
        text.parse()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

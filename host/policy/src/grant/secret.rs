use std::fmt;
use std::str::FromStr;

use super::origin::{Host, Origin};
use super::{GrantError, shown};

/// A secret and the one destination that it may be sent to: `NAME https://host`.
///
/// The guest has a placeholder; the host inserts the value into requests to that destination only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRule {
    name: String,
    to: Origin,
}

impl SecretRule {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn to(&self) -> &Origin {
        &self.to
    }
}

impl FromStr for SecretRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let bad = || GrantError::Secret(shown(text));
        let (name, place) = text.trim().split_once(' ').ok_or_else(bad)?;
        let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(bad());
        }
        let to: Origin = place.trim().parse()?;
        // A wildcard would reveal the secret to anybody who can create a name below it.
        match to.host() {
            Host::Below(_) => Err(bad()),
            Host::Name(_) | Host::Address(_) => Ok(Self { name: name.to_owned(), to }),
        }
    }
}

impl fmt::Display for SecretRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.to)
    }
}

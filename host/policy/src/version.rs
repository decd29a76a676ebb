use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

/// The versions of a skill that a caller accepts. A whole version (`1.2.3`) means exactly that one; anything else
/// is a requirement (`^1.2`, `>=1, <3`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionPin(VersionReq);

#[derive(Debug, thiserror::Error)]
#[error("not a version like 1.2.3 nor a requirement like ^1.2 of at most {max} bytes", max = VersionPin::MAX)]
pub struct VersionPinError;

impl VersionPin {
    /// Longest text, in bytes. A peer chooses it.
    pub const MAX: usize = 128;

    pub fn takes(&self, version: &Version) -> bool {
        self.0.matches(version)
    }
}

impl FromStr for VersionPin {
    type Err = VersionPinError;

    fn from_str(text: &str) -> Result<Self, VersionPinError> {
        if text.len() > Self::MAX {
            return Err(VersionPinError);
        }
        // Semver reads `1.2.3` as `^1.2.3`, but a caller that names a whole version means exactly that one.
        let exact = Version::parse(text).is_ok().then(|| format!("={text}"));
        VersionReq::parse(exact.as_deref().unwrap_or(text)).map(Self).map_err(|_| VersionPinError)
    }
}

impl fmt::Display for VersionPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for VersionPin {
    type Error = VersionPinError;

    fn try_from(text: String) -> Result<Self, VersionPinError> {
        text.parse()
    }
}

impl From<VersionPin> for String {
    fn from(pin: VersionPin) -> Self {
        pin.to_string()
    }
}

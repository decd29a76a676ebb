use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The owner's trust in a peer; never a claim of the peer.
///
/// Ordered by trust: "at least KNOWN" is `tier >= Tier::Known`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    #[default]
    Untrusted = 0,
    Known = 1,
    Internal = 2,
    Privileged = 3,
}

impl Tier {
    pub const ALL: [Self; 4] = [Self::Untrusted, Self::Known, Self::Internal, Self::Privileged];

    /// The lower-case name on the command line and the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Known => "known",
            Self::Internal => "internal",
            Self::Privileged => "privileged",
        }
    }

    /// One step less trust; UNTRUSTED stays.
    #[must_use]
    pub const fn down(self) -> Self {
        match self {
            Self::Privileged => Self::Internal,
            Self::Internal => Self::Known,
            Self::Known | Self::Untrusted => Self::Untrusted,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name().to_ascii_uppercase())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a tier; use untrusted, known, internal or privileged (or 0 to 3)")]
pub struct TierError(String);

impl FromStr for Tier {
    type Err = TierError;

    fn from_str(text: &str) -> Result<Self, TierError> {
        let index = match text.to_ascii_lowercase().as_str() {
            "untrusted" | "0" => 0,
            "known" | "1" => 1,
            "internal" | "2" => 2,
            "privileged" | "3" => 3,
            _ => return Err(TierError(text.chars().take(40).collect())),
        };
        Ok(Self::ALL[index])
    }
}

use serde::{Deserialize, Serialize};

use crate::tier::Tier;

/// The callers that may know that a skill exists. A new skill is hidden until the owner exposes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Listing {
    #[default]
    Hidden,
    Exposed {
        from: Tier,
    },
}

impl Listing {
    /// Whether some caller may call the skill under `before` but not under this listing.
    pub fn takes_away_from(self, before: Self) -> bool {
        match (before, self) {
            (Self::Hidden, _) => false,
            (Self::Exposed { .. }, Self::Hidden) => true,
            (Self::Exposed { from: before }, Self::Exposed { from }) => from > before,
        }
    }
}

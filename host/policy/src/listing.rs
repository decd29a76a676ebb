use serde::{Deserialize, Serialize};

use crate::tier::Tier;

/// Who may know that a skill exists. A new skill is hidden until the owner exposes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Listing {
    #[default]
    Hidden,
    Exposed {
        from: Tier,
    },
}

//! What a task belongs to, by its caller's word.
//!
//! It is believed only as far as it takes away from the caller: a skill's errand is served as for a lower tier, a
//! step counts for a goal that was agreed with that very caller.

use coworker_policy::{RequestId, SkillName, Tier};
use serde::{Deserialize, Serialize};

/// What a task belongs to. Nothing, for a call that stands for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<GoalStep>,
    #[serde(default, rename = "errand", skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation>,
}

/// One step of a goal that both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalStep {
    pub goal: RequestId,
    /// As the plan names it: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
    pub step: SkillName,
}

/// A skill of the caller's asks, on behalf of whoever called that skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The same for all calls that one first call led to, and for no others: an agent that meets its own errand
    /// again is in a circle.
    pub root: RequestId,
    /// How many skills stand between the first caller and this call; the first errand has 1.
    pub depth: u8,
    /// The tier of the first caller where it called: nobody serves an errand as for a higher one.
    pub at_most: Tier,
}

impl PartOf {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// As it is kept with the call; `None` for nothing.
    pub fn to_text(&self) -> Option<String> {
        // Every value serialises, so nothing is lost here.
        (!self.is_nothing()).then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// What [`to_text`](Self::to_text) wrote.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

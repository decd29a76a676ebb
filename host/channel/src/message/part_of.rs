//! The goal and the delegated call that a task belongs to, as its caller claims.
//!
//! The claim can only reduce the caller's rights: a delegated call is served for a lower tier, and a step counts
//! only for a goal that was agreed with the same caller.

use coworker_policy::{RequestId, SkillName, Tier};
use serde::{Deserialize, Serialize};

/// The goal and the delegated call that a task belongs to. Both are absent for an independent call.
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
    /// The step's id in the plan: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
    pub step: SkillName,
}

/// A call by a skill of the caller, on behalf of the peer that called that skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The same for all calls that result from one first call, and different for all others. An agent that
    /// receives a root of its own running call has detected a call cycle.
    pub root: RequestId,
    /// How many skills are between the first caller and this call. The first delegated call has 1.
    pub depth: u8,
    /// The tier for which the first caller was served. The call must not be served for a higher one.
    pub at_most: Tier,
}

impl PartOf {
    pub fn is_independent(&self) -> bool {
        *self == Self::default()
    }

    /// The text that is stored with the call. Returns `None` for an independent call.
    pub fn to_text(&self) -> Option<String> {
        // Every value can be serialised, so `ok` never drops one.
        (!self.is_independent()).then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// Reads the text that [`to_text`](Self::to_text) wrote.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

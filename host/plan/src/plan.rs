use coworker_policy::{SkillName, Text, VersionPin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::Agent;
use crate::bounded;
use crate::check;
use crate::checked::Checked;
use crate::problem::PlanError;
use crate::shown::Shown;
use crate::template::Template;

/// What is to be done for a goal. Not believed before [`Self::check`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub objective: Text,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::KEY_RESULTS }>")]
    pub key_results: Vec<KeyResult>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    pub steps: Vec<Step>,
}

/// Something that is there when a part of the goal has been reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyResult {
    pub id: SkillName,
    pub text: Text,
}

/// One call of one skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique in the plan; never `goal`.
    pub id: SkillName,
    /// What it counts for.
    pub key_result: SkillName,
    pub agent: Agent,
    pub skill: SkillName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPin>,
    pub input: Template,
    /// Steps that have to be done first although nothing of theirs is in the input.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>"
    )]
    pub after: Vec<SkillName>,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub text: Text,
}

impl Plan {
    /// Most key results.
    pub const KEY_RESULTS: usize = 16;
    /// Most steps.
    pub const STEPS: usize = 64;
    /// Most steps of which each waits for the one before.
    pub const CHAIN: usize = 32;
    /// Largest plan, in bytes of JSON.
    pub const MAX: usize = 256 * 1024;

    /// Makes sure that it can be carried out with what was shown: ids are unique and known, nothing waits for itself,
    /// every skill is shown, every reference can lead to something that can fit where it is put, and required input
    /// is there. Where a schema says nothing, nothing is refused.
    ///
    /// `goal` is the input that came with the goal; [`Value::Null`] for none. Takes time in proportion to the plan and
    /// the schemas, whatever is in them.
    pub fn check(self, goal: &Value, shown: &Shown) -> Result<Checked, PlanError> {
        check::check(self, goal, shown)
    }
}

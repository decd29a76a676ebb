use coworker_policy::{SkillName, Text, VersionPin};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::bounded;
use crate::template::Template;

/// The steps that reach a goal. Unchecked until [`Plan::check`].
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

/// A result that exists once a part of the goal has been reached.
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
    /// The key result that the step counts toward.
    pub key_result: SkillName,
    pub agent: Agent,
    pub skill: SkillName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPin>,
    pub input: Template,
    /// Steps that must finish first although the input takes nothing from them.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>"
    )]
    pub after: Vec<SkillName>,
    /// The purpose of the step, for people.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub text: Text,
}

impl Plan {
    /// The most key results.
    pub const KEY_RESULTS: usize = 16;
    /// The most steps.
    pub const STEPS: usize = 64;
    /// The most steps of which each waits for the one before.
    pub const CHAIN: usize = 32;
    /// The largest plan, in bytes of JSON.
    pub const MAX: usize = 256 * 1024;
}

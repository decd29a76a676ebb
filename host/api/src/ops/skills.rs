use std::path::PathBuf;

use coworker_policy::{Capability, Card, Digest, Grants, Listing, RequestId, SkillName, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AssetInfo, ComponentInfo, PolicyView};
use crate::error::ApiError;
use crate::operation::operations;

operations! { SkillOp {
    SkillLook => ComponentInfo,
    SkillAdd => SkillAdded,
    SkillList => Vec<SkillInfo>,
    SkillInspect => SkillInspected,
    SkillPreview => Vec<Card>,
    SkillExpose => Listed,
    SkillHide => Listed,
    SkillRemove => SkillRemoved,
    SkillRun => Ran,
    SkillTry => Tried,
}}

/// Reads a component file without installing it: exports, imports, skills and requests.
///
/// The component's `describe` function runs, without any capability.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillLook {
    /// Absolute: the agent's process may have another working directory.
    pub path: PathBuf,
}

/// Installs a component. Its skills are hidden unless `expose` is given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillAdd {
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Digest of the component that the owner agreed to. The file must still have it.
    pub agreed: Digest,
    /// Exposes the skills at once, to peers of this tier and higher.
    pub expose: Option<Tier>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillAdded {
    #[serde(flatten)]
    pub component: ComponentInfo,
    /// True if the same component was installed before.
    pub already: bool,
    pub listing: Listing,
}

/// Lists the installed skills and their listing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillList {
    /// Only the skill of this name.
    pub name: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillInfo {
    #[serde(flatten)]
    pub card: Card,
    pub card_hash: Digest,
    pub component: Digest,
    pub listing: Listing,
    /// Capabilities that the component imports.
    pub capabilities: Grants,
}

/// Shows one installed skill, its component and its policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillInspect {
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillInspected {
    pub skill: SkillInfo,
    pub policy: PolicyView,
    /// Exports of the component that belong to no skill and that no call reaches.
    pub unused_exports: Vec<String>,
    /// Files packed with the component, ordered by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetInfo>,
}

/// Lists the skills that a peer of a tier would see.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillPreview {
    pub tier: Tier,
}

/// Exposes a skill: peers of a tier and higher see it and may call it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillExpose {
    pub name: String,
    pub from: Tier,
}

/// Hides a skill from all peers. Its running calls are stopped.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillHide {
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    pub name: SkillName,
    pub listing: Listing,
}

/// Removes the component of a skill, with all its skills. Their running calls are stopped.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillRemove {
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillRemoved {
    pub component: Digest,
    pub skills: Vec<SkillName>,
}

/// Runs an installed skill on this host, through the same gates as a peer's call.
///
/// Can be cancelled. Updates: `progress` and `partial`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillRun {
    pub name: String,
    /// JSON text.
    pub input: String,
    /// Runs it as for a caller of this tier; otherwise with the owner's own authority.
    pub tier: Option<Tier>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    pub id: RequestId,
    pub output: Value,
    /// Text that the skill wrote to its log, stdout and stderr.
    pub log: String,
    /// Fuel of wasmtime, roughly one unit per instruction.
    pub fuel_used: u64,
    pub duration_ms: f64,
}

/// Runs an installed skill on this host, through the same gates as a peer's call, and reports failed calls in detail.
///
/// Can be cancelled. Updates: `progress` and `partial`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillTry {
    pub name: String,
    /// JSON text, at most 2 MiB.
    pub input: String,
    /// Runs it as for a caller of this tier; otherwise with the owner's own authority.
    pub tier: Option<Tier>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    pub id: RequestId,
    pub ending: Result<Value, ApiError>,
    /// Text that the skill wrote to its log, stdout and stderr.
    pub log: String,
    /// Capabilities that the skill used without a grant.
    pub denied: Vec<DeniedInfo>,
    /// Fuel of wasmtime, roughly one unit per instruction; 0 if the skill did not run.
    pub fuel_used: u64,
    pub duration_ms: f64,
}

/// A use of a capability that was not granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeniedInfo {
    pub capability: Capability,
    /// The rule that would allow it; empty if there is none. The skill chose the words.
    pub what: String,
}

impl Tried {
    /// The same as for a caller that needs to know of a success only.
    pub fn ran(self) -> Result<Ran, ApiError> {
        let Self { id, ending, log, fuel_used, duration_ms, .. } = self;
        Ok(Ran { id, output: ending?, log, fuel_used, duration_ms })
    }
}

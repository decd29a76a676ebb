use std::collections::BTreeMap;

use coworker_policy::{Capability, Card, Digest, Text, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A component file: its skills, its imports and its author's requests.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ComponentInfo {
    pub digest: Digest,
    /// Bytes.
    pub size: usize,
    pub exports: Vec<String>,
    /// Exports that belong to no skill and that no call reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_exports: Vec<String>,
    pub imports: Vec<ImportInfo>,
    pub skills: Vec<Card>,
    /// Grants that the author asks for. None of them is granted by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<AskInfo>,
    /// The author's first values for the configuration, which an installation would set. Without those that the owner
    /// set or that an earlier version of the component had.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<Text, Text>,
    /// The installed component with the same skills, which this one would replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// Differences from that component, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// A grant that a component's author asks for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AskInfo {
    pub capability: Capability,
    pub to: Vec<Text>,
    pub from: Option<Tier>,
    pub why: Text,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportInfo {
    pub interface: String,
    /// The capability behind the interface; `None` if the interface gives nothing.
    pub capability: Option<Capability>,
}

/// A file packed with a component. Its content is for the component alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AssetInfo {
    pub path: String,
    /// Bytes.
    pub size: usize,
}

use std::collections::BTreeMap;
use std::path::PathBuf;

use coworker_leak::LeakMode;
use coworker_policy::{Capability, Digest, Grants, SkillName, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::operations;

operations! { PolicyOp {
    SkillGrant => SkillGranted,
    SkillRevoke => PolicyView,
    SkillConfigure => PolicyView,
    SkillPolicy => PolicyView,
}}

/// Grants a capability to the component of a skill.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillGrant {
    /// The skill's name.
    pub name: String,
    pub capability: Capability,
    /// Rules, such as `GET https://api.example.com/v1/*`; empty for a capability that is granted as a whole.
    pub to: Vec<String>,
    /// The lowest tier of callers that it holds for; otherwise the capability's own lowest tier.
    pub from: Option<Tier>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillGranted {
    #[serde(flatten)]
    pub policy: PolicyView,
    /// Folders that were named by a path with a link in it. The real folder was granted.
    pub resolved: Vec<Resolved>,
}

/// A folder that was named by another path than its own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    pub typed: PathBuf,
    pub folder: PathBuf,
}

/// Revokes a grant, or one rule of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillRevoke {
    /// The skill's name.
    pub name: String,
    pub capability: Capability,
    /// The rule to revoke; `None` revokes all.
    pub to: Option<String>,
}

/// Sets a configuration value, a limit, a secret, or the handling of leaks. `null` as a value removes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub enum SkillConfigure {
    /// A value that the component reads through `wasi:config`.
    Value { name: String, key: String, value: Option<String> },
    /// A limit for callers of one tier, by its key in `policy.toml`.
    Limit { name: String, tier: Tier, key: String, value: Option<u64> },
    /// The handling of an answer of this skill that contains private text.
    Leaks { name: SkillName, leaks: LeakMode },
    /// The value that a `secrets` grant of this name puts into requests: one line of at most 8 KiB. It is kept in the
    /// database, never in a file that people read.
    Secret {
        name: String,
        /// 1 to 64 of `A-Z`, `0-9` and `_`.
        secret: String,
        value: Option<String>,
    },
}

/// Shows the policy of a skill's component.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkillPolicy {
    /// The skill's name.
    pub name: String,
}

/// The policy of one component, as it is in force.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PolicyView {
    pub component: Digest,
    /// The policy file, for the owner's editor.
    pub path: PathBuf,
    /// One line per grant.
    pub grants: Vec<String>,
    /// Those grants that reach the owner's own machine or network.
    pub private: Vec<String>,
    /// Capabilities that are denied whatever was granted.
    pub denied: Grants,
    /// Limits that differ from the defaults, by their keys in the file.
    pub limits: BTreeMap<Tier, BTreeMap<String, u64>>,
    /// Handling of answers that contain private text, for skills where it differs from the default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leaks: BTreeMap<SkillName, LeakMode>,
    /// Values that the component reads through `wasi:config`.
    pub config: BTreeMap<String, String>,
    /// Why the file cannot be used. The component's skills are hidden meanwhile.
    pub broken: Option<String>,
}

use std::time::Duration;

use coworker_policy::{AgentName, PeerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::operations;

operations! { AuditOp {
    AuditLog => Vec<AuditEntry>,
    AuditPrune => AuditPruned,
    AuditVerify => AuditVerified,
}}

/// Lists the audit log, newest entry first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditLog {
    /// At most so many entries.
    pub limit: usize,
    /// Only entries about this peer: its name, its id or the start of its id.
    pub peer: Option<String>,
    /// Only entries about this skill.
    pub skill: Option<String>,
}

/// One entry of the audit log. The permit and the end of a call make one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    pub seq: i64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<AgentName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Tier, grants and limits of a call, committed before the skill ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permit: Option<Value>,
    /// Outcome, fuel, memory and duration of a call, or the details of another event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// Deletes old rows of the audit log for good.
///
/// The log remains a chain: it begins with the agent's signature for the last deleted row. The log is checked first;
/// if it was tampered with, nothing is deleted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditPrune {
    /// Deletes rows that are older. At least one day.
    pub older_than: Duration,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditPruned {
    /// Number of deleted rows.
    pub rows: u64,
    /// The last deleted row as `SEQ:HASH`; `None` if no row was deleted.
    pub up_to: Option<String>,
}

/// Reads the whole audit log and checks that nobody changed it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerify {
    /// A head (`SEQ:HASH`) of an earlier check. The log must continue from it.
    pub head: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerified {
    /// Number of rows that passed.
    pub rows: u64,
    /// The last row as `SEQ:HASH`, to be kept elsewhere; `None` if the log is empty.
    pub head: Option<String>,
    /// The last of the rows that the owner deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<String>,
    /// The first problem; `None` if the log is intact.
    pub broken: Option<Broken>,
}

/// A problem of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Broken {
    /// `missing`, `changed`, `rewritten`, `not_sealed`, `forged_seal`, `forked` or `thrown_away`.
    pub what: String,
    /// The row's number; 0 if the problem is with no single row.
    pub seq: i64,
    pub message: String,
}

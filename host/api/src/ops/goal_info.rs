use std::collections::BTreeMap;

use coworker_plan::Agent;
use coworker_policy::{AgentName, PeerId, RequestId, SkillName, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ModelUse, Why};

/// All about one goal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalInfo {
    pub id: RequestId,
    /// The agent whose goal it is; absent for a goal of our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<GoalPeer>,
    pub objective: Text,
    pub state: GoalPhase,
    /// Why the goal did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Milliseconds since the Unix epoch, here and below.
    pub at_ms: i64,
    pub expires_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    pub key_results: Vec<KeyResultInfo>,
    /// All steps; of another agent's goal, our own.
    pub steps: Vec<StepInfo>,
    /// The other agents of a goal of our own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<GoalPeer>,
    /// Outputs, so far, of the steps whose output no other step uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<SkillName, Value>,
    pub cost: GoalCost,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyResultInfo {
    pub id: SkillName,
    pub text: Text,
    /// Steps that are done.
    pub done: usize,
    /// Steps that count for it.
    pub of: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepInfo {
    pub id: SkillName,
    pub key_result: SkillName,
    /// `me`, or the peer's id.
    pub agent: Agent,
    pub agent_name: Option<AgentName>,
    pub skill: SkillName,
    pub state: StepPhase,
    pub attempts: u32,
    /// Id of the latest attempt, also in its receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// State of the receipt: `draft` with the provider's signature, `complete` with both, or `disputed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Why the latest attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    /// Fuel of wasmtime. For a peer's step, the value that its receipt claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalPeer {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// Whether the peer takes part; absent for the owner of the goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<PeerAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Number of its steps that the peer reports as done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<u32>,
}

/// Resources that a goal used, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalCost {
    /// Calls of skills, failed ones included.
    pub calls: u64,
    pub fuel: u64,
    pub input_bytes: u64,
    pub output_bytes: u64,
    /// Use of our language model: for the plan, and by our own steps in their latest attempt. Absent while a goal is
    /// watched, if the model was not used, and once the audit log no longer has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelUse>,
}

/// A change of a goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalUpdate {
    pub goal: RequestId,
    pub objective: Text,
    pub state: GoalPhase,
    /// All key results.
    pub key_results: Vec<KeyResultInfo>,
    /// The steps that changed; all of them in the first update.
    pub steps: Vec<StepInfo>,
    /// Names of the peers that have not answered whether they take part.
    pub awaited: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoalPhase {
    /// Another agent's goal waits for the owner's answer.
    Asked,
    /// We take part in another agent's goal.
    Accepted,
    /// The owner refused to take part in another agent's goal.
    Denied,
    /// Not all peers have answered whether they take part in our goal.
    Proposed,
    Running,
    Done,
    Failed,
    Cancelled,
    /// Another agent never reported how its goal ended.
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepPhase {
    Waiting,
    Running,
    Done,
    Failed,
    /// A step that it needed did not end well.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeerAnswer {
    Awaited,
    Accepted,
    Rejected,
}

impl GoalPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Denied => "denied",
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted | Self::Proposed | Self::Running)
    }
}

impl StepPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

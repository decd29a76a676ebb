use std::time::Duration;

use coworker_policy::{AgentName, PeerId, RequestId, VersionPin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::operations;

operations! { CallOp {
    Call => Called,
    Cancel => Cancelled,
    Ping => Pong,
    TaskRequest => Requested,
    TaskResult => TaskOutput,
    Tasks => Vec<TaskInfo>,
}}

/// Calls a peer's skill and waits for its output.
///
/// Can be cancelled. Updates: `progress` and `partial`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The peer's name, its id or the start of its id.
    pub peer: String,
    /// At most 64 characters.
    pub skill: String,
    /// JSON text, at most 2 MiB.
    pub input: String,
    /// Refuses other versions of the skill.
    #[serde(default)]
    pub version: Option<VersionPin>,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Called {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    pub output: Value,
    pub duration_ms: f64,
}

/// Cancels an open request of this agent. If the peer has it already, the peer is told to stop.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cancel {
    /// The request's id, or the start of it.
    pub id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
}

/// Measures a round trip to a peer over the encrypted session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ping {
    /// The peer's name, its id or the start of its id.
    pub peer: String,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    pub peer: PeerId,
    pub round_trip_ms: f64,
}

/// Sends a request to a peer's skill without waiting for the answer, which is kept for `TaskResult`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaskRequest {
    /// The peer's name, its id or the start of its id.
    pub peer: String,
    /// At most 64 characters.
    pub skill: String,
    /// JSON text, at most 2 MiB.
    pub input: String,
    /// Refuses other versions of the skill.
    pub version: Option<VersionPin>,
    /// The request expires after this time: 1 second to 30 days.
    pub expires: Duration,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Requested {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    /// True once the peer has the request. Until the peer can be reached, the request waits here.
    pub sent: bool,
    /// Milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// Fetches the answer of a request.
///
/// Can be cancelled, which ends the waiting and leaves the request open.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaskResult {
    /// The request's id, or the start of it.
    pub id: String,
    /// Waits while the request is open.
    pub wait: bool,
    /// Seconds to wait, at most 86400. `None` waits as long as the request is open.
    pub timeout: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaskOutput {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    pub output: Value,
    /// Time of the request, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Time of the answer, in milliseconds since the Unix epoch.
    pub done_ms: Option<i64>,
}

/// Lists requests to peers and requests from peers: all open ones, and those that ended within a day. At most 500.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tasks {
    /// Only requests to and from this peer.
    pub peer: Option<String>,
    /// Also lists older ones, as far as they are kept.
    pub all: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaskInfo {
    pub id: String,
    pub peer: PeerId,
    pub peer_name: Option<AgentName>,
    /// The name in the request. It may belong to no skill.
    pub skill: String,
    /// True for a peer's request to us.
    pub inbound: bool,
    pub state: TaskState,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub done_ms: Option<i64>,
    pub expires_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// A request of ours waits until the peer can be reached; a peer's request waits for its turn.
    Waiting,
    /// The peer has our request.
    Sent,
    Running,
    /// A peer's request is answered, and the answer waits until the peer can be reached.
    Answered,
    Done,
    Failed,
    Cancelled,
    /// The command that waited for the answer ended.
    Abandoned,
    Expired,
}

impl TaskState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
        }
    }
}

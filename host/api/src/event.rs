//! Events of an agent, in the order in which they were committed.

use coworker_policy::{AgentName, GroupId, PeerId, RequestId, Text, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::{AuditEntry, GoalPhase, GroupSaid};

/// Streams events until the caller cancels. Each arrives as an update of the kind `event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Follow {
    /// Begins after the event with this number. `None` begins with the next event.
    #[serde(default)]
    pub since: Option<u64>,
    /// Ends after so many events. `None` sets no end.
    #[serde(default)]
    pub limit: Option<u64>,
}

/// Answer of a [`Follow`] that ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Followed {
    /// Number of the last event that was sent: `since` for the next time.
    pub seq: u64,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Grows from event to event; gaps are possible.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub kind: EventKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A row of the audit log was committed.
    Audit(AuditEntry),
    /// A peer asked for more trust.
    TrustRequested { peer: PeerId, name: Option<AgentName>, tier: Tier, reason: Text },
    /// A peer is connected.
    PeerLinked { peer: PeerId, name: Option<AgentName> },
    /// A peer's last connection ended.
    PeerUnlinked { peer: PeerId, name: Option<AgentName> },
    /// A call began: a peer's if `peer` is given, otherwise one of the owner's own.
    CallBegan { id: RequestId, peer: Option<PeerId>, skill: String },
    /// A running call reported progress. Some reports may be left out.
    CallProgressed { id: RequestId, peer: Option<PeerId>, percent: u8, note: Text },
    /// A call ended.
    CallEnded {
        id: RequestId,
        peer: Option<PeerId>,
        skill: String,
        /// `OK` or an error code.
        outcome: String,
    },
    /// A goal, or this agent's part in one, moved on.
    GoalChanged { goal: RequestId, owner: Option<PeerId>, state: GoalPhase },
    /// A message arrived in a group.
    GroupMessage { group: GroupId, message: GroupSaid },
    /// Skills were installed, removed, listed or hidden, or their policy changed.
    SkillsChanged,
    /// The follower was too slow and hears nothing more: this is the last event. Follow again from `seq`.
    Dropped { reason: String },
}

use std::net::SocketAddr;

use coworker_policy::{AgentName, Card, PeerId, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::operations;

operations! { PeerOp {
    Connect => Connected,
    Discover => Discovered,
    Peers => Vec<PeerInfo>,
}}

/// Connects to the agent that an invite code names, and asks for the skills that it shows us.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Connect {
    pub code: String,
    /// Addresses of the agent, if the code has none and it cannot be found.
    pub at: Vec<SocketAddr>,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Connected {
    pub peer: PeerId,
    /// The name that the peer gives itself.
    pub name: AgentName,
    /// The tier that we give the peer.
    pub tier: Tier,
    /// The skills that the peer shows us.
    pub skills: Vec<Card>,
    /// Time of the peer's last answer, in milliseconds since the Unix epoch, if it cannot be reached now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
    /// Result of the grant in the code; absent if the code has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<Redeemed>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Redeemed {
    /// The tier that the peer gives us now, by its own account. `None` if the code is no longer valid for us; the
    /// peer does not tell why.
    pub granted: Option<Tier>,
}

/// Asks a peer for the skills that it shows us.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Discover {
    /// The peer's name, its id or the start of its id.
    pub peer: String,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Discovered {
    pub peer: PeerId,
    pub name: AgentName,
    pub skills: Vec<Card>,
    /// Time of the peer's last answer, in milliseconds since the Unix epoch, if it cannot be reached now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
}

/// Lists the agents that this agent has met.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Peers {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PeerInfo {
    pub peer: PeerId,
    /// The name that the peer gives itself.
    pub name: Option<AgentName>,
    pub tier: Tier,
    pub connected: bool,
    /// The path of the connection, while there is one.
    pub reached: Option<Reached>,
    /// True if the owner gave the peer a tier or connected to it.
    pub ours: bool,
    /// Milliseconds since the Unix epoch.
    pub seen_ms: Option<i64>,
    /// Messages that wait for the peer or for its acknowledgement.
    pub waiting: usize,
    /// Start of the MLS session's id, the same on both sides; `None` before the first session.
    pub session: Option<String>,
}

/// The path of a connection. For the owner only: it names addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    pub way: Way,
    /// The peer's address, or the relay's URL; empty for the other ways.
    pub to: String,
    /// True if the connection came in at the direct endpoint, which only accepted peers know.
    pub direct_door: bool,
    /// The last measured round trip, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Start of this path, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From host to host.
    Direct,
    Relay,
    /// Within one process, for tests.
    Memory,
    /// The last path was lost, and no other has been found yet.
    None,
}

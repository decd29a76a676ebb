use std::fmt;
use std::str::FromStr;

use coworker_policy::{PeerId, PeerIdError};
use serde::{Deserialize, Serialize};

/// The agent that runs a step, written as `me` or as a peer's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Agent {
    /// The agent of the plan's owner.
    Me,
    Peer(PeerId),
}

#[derive(Debug, thiserror::Error)]
#[error("not an agent; use `me` or the id of a peer")]
pub struct AgentError(#[source] PeerIdError);

impl Agent {
    pub fn peer(self) -> Option<PeerId> {
        match self {
            Self::Me => None,
            Self::Peer(peer) => Some(peer),
        }
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Me => f.pad("me"),
            Self::Peer(peer) => peer.fmt(f),
        }
    }
}

impl FromStr for Agent {
    type Err = AgentError;

    fn from_str(text: &str) -> Result<Self, AgentError> {
        if text == "me" { Ok(Self::Me) } else { text.parse().map(Self::Peer).map_err(AgentError) }
    }
}

impl TryFrom<String> for Agent {
    type Error = AgentError;

    fn try_from(text: String) -> Result<Self, AgentError> {
        text.parse()
    }
}

impl From<Agent> for String {
    fn from(agent: Agent) -> Self {
        agent.to_string()
    }
}

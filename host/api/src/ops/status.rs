use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use coworker_policy::{AgentName, PeerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelInfo, PeerInfo};
use crate::operation::operations;

operations! { StatusOp {
    Status => StatusInfo,
    NetworkLook => NetworkInfo,
}}

/// Shows the agent's status.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StatusInfo {
    pub name: AgentName,
    pub id: PeerId,
    pub version: String,
    pub data: PathBuf,
    /// Id of the process that holds the agent now.
    pub pid: u32,
    /// True if that process listens for peers.
    pub listening: bool,
    pub network: Mode,
    pub addresses: Vec<String>,
    pub relay: Option<String>,
    /// Relays of the configuration.
    pub relays: Vec<String>,
    pub relay_connected: bool,
    /// Addresses at which accepted peers reach this agent directly.
    pub direct_addresses: Vec<String>,
    pub skills_installed: usize,
    pub skills_exposed: usize,
    /// Why policy files cannot be used. The skills of their components are hidden meanwhile.
    pub broken_policies: Vec<String>,
    pub peers_known: usize,
    pub peers_connected: usize,
    /// Peers that are connected, that the owner gave a tier, or that the owner connected to.
    pub peers: Vec<PeerInfo>,
    pub trust_requests: usize,
    pub model: ModelInfo,
}

/// Checks the network, after starting it if it was not running. Takes up to 7 seconds if a relay does not answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NetworkLook {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NetworkInfo {
    pub mode: Mode,
    /// Addresses at which anybody who knows our id reaches us; empty in public mode.
    pub addresses: Vec<String>,
    /// Addresses at which accepted peers reach us directly.
    pub direct_addresses: Vec<String>,
    /// Relays of the configuration.
    pub relays: Vec<String>,
    /// The relay that we are reached through.
    pub relay: Option<String>,
    pub relay_connected: bool,
    /// True if all direct addresses are of this host's own networks although a relay should report a public one: UDP
    /// to the relay is blocked, or the relay does not answer.
    pub only_inside: bool,
}

/// How peers reach an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Directly and by mDNS on the local network; through a relay only if one is configured.
    #[default]
    Local,
    /// Strangers with an invite code reach the agent through relays only and learn no address. Accepted peers learn
    /// the direct addresses.
    Public,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Local => "local",
            Self::Public => "public",
        })
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "public" => Ok(Self::Public),
            _ => Err("use local or public".to_owned()),
        }
    }
}

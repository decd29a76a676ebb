use std::net::SocketAddr;
use std::path::PathBuf;

use coworker_policy::AgentName;
use serde::{Deserialize, Serialize};

/// `config.toml` in the data directory: written by `init`, the owner's to edit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: AgentName,
    #[serde(default)]
    pub network: NetworkConfig,
}

/// How this agent is reached, and what it talks to. Nothing that is not named here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    #[serde(default)]
    pub mode: Mode,
    /// Relay servers (URLs); empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relays: Vec<String>,
    /// Certificates (PEM) of authorities that vouch for the relays, besides the public ones. A relative path
    /// begins in the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_ca: Option<PathBuf>,
    /// Local address for the network socket; absent means every interface and a free port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Direct and by mDNS on the local network; no relay unless one is named.
    #[default]
    Local,
    /// Strangers who hold the invite code reach it through relays only and learn no address; who is accepted
    /// learns the direct way.
    Public,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Local => "local",
            Self::Public => "public",
        })
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "public" => Ok(Self::Public),
            _ => Err("use local or public".to_owned()),
        }
    }
}

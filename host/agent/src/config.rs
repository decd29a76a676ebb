use std::net::SocketAddr;
use std::path::PathBuf;

use coworker_policy::{AgentName, Tier};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `config.toml` in the data directory: written by `init`, the owner's to edit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: AgentName,
    #[serde(default)]
    pub network: NetworkConfig,
    #[serde(default, skip_serializing_if = "GoalsConfig::is_usual")]
    pub goals: GoalsConfig,
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

/// What is said to peers that ask us to take part in a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalsConfig {
    #[serde(default)]
    pub accept: Accept,
}

/// From which tier on a goal is accepted without asking the owner. Accepting gives nothing that the tier has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    From(Tier),
    /// The owner is always asked.
    Never,
}

impl GoalsConfig {
    pub fn accepts(self, tier: Tier) -> bool {
        matches!(self.accept, Accept::From(from) if tier >= from)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Accept {
    fn default() -> Self {
        Self::From(Tier::Internal)
    }
}

impl Serialize for Accept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::From(tier) => tier.serialize(serializer),
            Self::Never => serializer.serialize_str(NEVER),
        }
    }
}

impl<'de> Deserialize<'de> for Accept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == NEVER {
            return Ok(Self::Never);
        }
        word.parse().map(Self::From).map_err(|_| D::Error::custom("use known, internal, privileged or never"))
    }
}

const NEVER: &str = "never";

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

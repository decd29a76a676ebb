use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tier::Tier;

/// A capability of the host that a component can import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    Call,
    Log,
    Clocks,
    Random,
    Assets,
    Config,
    State,
    Http,
    Secrets,
    Llm,
    Files,
    Peers,
}

impl Capability {
    /// Capabilities that reach nothing outside the call, so that they need no grant.
    pub const ALWAYS: [Self; 6] =
        [Self::Call, Self::Log, Self::Clocks, Self::Random, Self::Assets, Self::Config];

    pub const ALL: [Self; 12] = [
        Self::Call,
        Self::Log,
        Self::Clocks,
        Self::Random,
        Self::Assets,
        Self::Config,
        Self::State,
        Self::Http,
        Self::Secrets,
        Self::Llm,
        Self::Files,
        Self::Peers,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Log => "log",
            Self::Clocks => "clocks",
            Self::Random => "random",
            Self::Assets => "assets",
            Self::Config => "config",
            Self::State => "state",
            Self::Http => "http",
            Self::Secrets => "secrets",
            Self::Llm => "llm",
            Self::Files => "files",
            Self::Peers => "peers",
        }
    }

    /// The capability that an imported interface needs, by its WIT name with or without a version.
    /// `None` for interfaces without one (`wasi:io`, `wasi:cli`) and for those that no grant opens.
    pub fn of_import(interface: &str) -> Option<Self> {
        let name = interface.split('@').next().unwrap_or(interface);
        let (package, _) = name.split_once('/')?;
        match (package, name) {
            (_, "coworker:skill/call") => Some(Self::Call),
            (_, "coworker:skill/log") | ("wasi:logging", _) => Some(Self::Log),
            (_, "coworker:skill/llm") => Some(Self::Llm),
            (_, "coworker:skill/peers") => Some(Self::Peers),
            ("wasi:clocks", _) => Some(Self::Clocks),
            ("wasi:random", _) => Some(Self::Random),
            ("wasi:config", _) => Some(Self::Config),
            ("wasi:keyvalue", _) => Some(Self::State),
            ("wasi:http", _) => Some(Self::Http),
            ("wasi:filesystem", _) => Some(Self::Files),
            _ => None,
        }
    }

    /// The description on the owner's consent screen.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Call => "report progress and learn the caller's tier",
            Self::Log => "write to your log",
            Self::Clocks => "read the time",
            Self::Random => "draw random numbers",
            Self::Assets => "read the files packed with it",
            Self::Config => "read the values you set for it",
            Self::State => "remember things between calls",
            Self::Http => "send web requests",
            Self::Secrets => "use a secret for a named destination",
            Self::Llm => "use your language model",
            Self::Files => "read files",
            Self::Peers => "call other agents",
        }
    }

    /// The lowest tier that may run with this capability, if the owner grants it (DESIGN section 5).
    pub(crate) const fn lowest_tier(self) -> Tier {
        match self {
            Self::Call | Self::Log | Self::Clocks | Self::Random | Self::Assets | Self::Config => {
                Tier::Untrusted
            }
            Self::State => Tier::Known,
            Self::Http | Self::Secrets | Self::Llm | Self::Files => Tier::Internal,
            Self::Peers => Tier::Privileged,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of capabilities. Empty means nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }

    pub fn contains(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Capability> for Grants {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}

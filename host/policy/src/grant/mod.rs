//! The owner's grants to a component, and the part of them that applies to one caller.

mod address;
mod effective;
mod file;
mod fix;
mod http;
mod origin;
mod path;
mod peers;
mod secret;

use std::fmt;
use std::str::FromStr;

use crate::capability::{Capability, Grants};
use crate::text::Text;
use crate::tier::Tier;

pub use address::is_public;
pub use effective::{Effective, StateAccess};
pub use file::FileRule;
pub use fix::Fix;
pub use http::{HttpRequest, HttpRule};
pub use origin::Origin;
pub use peers::PeerRule;
pub use secret::SecretRule;

/// An invalid grant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    #[error(
        "`{0}` is not a web request: write METHOD https://host/path, with * at the end for all paths below"
    )]
    Http(String),
    #[error("`{0}` is not a web origin: write https://host or http://host:port")]
    Origin(String),
    #[error("`{0}` is not a file grant: write `read /folder` or `write /folder`, with the absolute path")]
    File(String),
    #[error("`{0}` is not a use of a secret: write NAME https://host, with the name in A-Z, 0-9 and _")]
    Secret(String),
    #[error(
        "`{0}` is not a peer's skill: write PEER-ID/SKILL, with * as the skill for all skills of the peer"
    )]
    Peer(String),
    #[error("a rule has at most {max} bytes")]
    TooLong { max: usize },
    #[error("a grant of {0} needs rules: list them in `to`")]
    Nothing(Capability),
    #[error("{0} takes no list: grant it without `to`")]
    Whole(Capability),
    #[error("{0} needs no grant: every component has it")]
    Always(Capability),
    #[error("{0} is available to every caller or, if denied, to none: it takes no rule and no tier")]
    Unconditional(Capability),
}

/// One capability, granted with its arguments, for callers from a tier up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    rules: GrantRules,
    /// `None` for the capability's lowest tier.
    from: Option<Tier>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GrantRules {
    State,
    Http(Vec<HttpRule>),
    Files(Vec<FileRule>),
    Secrets(Vec<SecretRule>),
    Llm,
    Peers(Vec<PeerRule>),
}

impl GrantRules {
    fn capability(&self) -> Capability {
        match self {
            Self::State => Capability::State,
            Self::Http(_) => Capability::Http,
            Self::Files(_) => Capability::Files,
            Self::Secrets(_) => Capability::Secrets,
            Self::Llm => Capability::Llm,
            Self::Peers(_) => Capability::Peers,
        }
    }
}

/// Longest single rule, in bytes.
const MAX_RULE: usize = 2048;

impl Grant {
    /// `to` is as the owner wrote it. Without `from` the capability's lowest tier applies.
    pub fn new(capability: Capability, to: &[String], from: Option<Tier>) -> Result<Self, GrantError> {
        let rules = match capability {
            Capability::State if to.is_empty() => GrantRules::State,
            Capability::Llm if to.is_empty() => GrantRules::Llm,
            Capability::State | Capability::Llm => return Err(GrantError::Whole(capability)),
            Capability::Http => GrantRules::Http(parsed(capability, to)?),
            Capability::Files => GrantRules::Files(parsed(capability, to)?),
            Capability::Secrets => GrantRules::Secrets(parsed(capability, to)?),
            Capability::Peers => GrantRules::Peers(parsed(capability, to)?),
            // A tier without effect would admit callers that the owner meant to exclude.
            _ if from.is_some() || !to.is_empty() => return Err(GrantError::Unconditional(capability)),
            _ => return Err(GrantError::Always(capability)),
        };
        Ok(Self { rules, from })
    }

    pub fn capability(&self) -> Capability {
        self.rules.capability()
    }

    /// The rules, as they are written.
    pub fn to(&self) -> Vec<String> {
        match &self.rules {
            GrantRules::State | GrantRules::Llm => Vec::new(),
            GrantRules::Http(rules) => rules.iter().map(ToString::to_string).collect(),
            GrantRules::Files(rules) => rules.iter().map(ToString::to_string).collect(),
            GrantRules::Secrets(rules) => rules.iter().map(ToString::to_string).collect(),
            GrantRules::Peers(rules) => rules.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether it is granted as a whole, without rules.
    pub fn is_whole(&self) -> bool {
        matches!(self.rules, GrantRules::State | GrantRules::Llm)
    }

    /// The tier that the owner wrote, if any.
    pub fn from(&self) -> Option<Tier> {
        self.from
    }

    /// The lowest tier that gets any part of it.
    pub fn lowest(&self) -> Tier {
        self.from.unwrap_or(self.capability().lowest_tier())
    }

    /// Whether it opens addresses that are not public, so that a reader should be warned.
    pub fn allows_private(&self) -> bool {
        matches!(&self.rules, GrantRules::Http(rules) if rules.iter().any(HttpRule::allows_private))
    }

    pub(crate) fn files(&self) -> &[FileRule] {
        match &self.rules {
            GrantRules::Files(rules) => rules,
            _ => &[],
        }
    }
}

fn parsed<T: FromStr<Err = GrantError>>(capability: Capability, to: &[String]) -> Result<Vec<T>, GrantError> {
    if to.is_empty() {
        return Err(GrantError::Nothing(capability));
    }
    to.iter().map(|text| rule(text)).collect()
}

fn rule<T: FromStr<Err = GrantError>>(text: &str) -> Result<T, GrantError> {
    if text.len() > MAX_RULE { Err(GrantError::TooLong { max: MAX_RULE }) } else { text.parse() }
}

/// The start of an invalid rule, made plain for a terminal: the author of a component can have written it.
fn shown(text: &str) -> String {
    Text::sanitized(&text.chars().take(200).collect::<String>()).to_string()
}

/// Everything that the owner granted to one component, and everything denied. A deny overrides grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    grants: Vec<Grant>,
    denied: Grants,
}

impl Granted {
    pub fn new(grants: Vec<Grant>, denied: Grants) -> Self {
        Self { grants, denied }
    }

    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    pub fn denied(&self) -> &Grants {
        &self.denied
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.capability())?;
        if !self.is_whole() {
            write!(f, " {}", self.to().join(", "))?;
        }
        write!(f, " from {}", self.lowest())?;
        let reads_first = self.from.is_none() && self.files().iter().any(FileRule::writes);
        if reads_first { write!(f, ", writing from {}", Tier::Privileged) } else { Ok(()) }
    }
}

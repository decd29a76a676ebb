//! The owner's word on what a component may touch, and what of it holds for one caller.

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

/// A grant that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    #[error("`{0}` is no web request: write METHOD https://host/path, with * at the end for all below")]
    Http(String),
    #[error("`{0}` names no place on the web: write https://host or http://host:port")]
    Origin(String),
    #[error("`{0}` is no file grant: write `read /folder` or `write /folder`, the whole path")]
    File(String),
    #[error("`{0}` is no use of a secret: write NAME https://host, the name in A-Z, 0-9 and _")]
    Secret(String),
    #[error("`{0}` is no peer's skill: write PEER-ID/SKILL, with * as the skill for all that the peer has")]
    Peer(String),
    #[error("a rule has at most {max} bytes")]
    TooLong { max: usize },
    #[error("a grant of {0} names nothing: `to` lists what is allowed")]
    Nothing(Capability),
    #[error("{0} takes no list: it is granted whole")]
    Whole(Capability),
    #[error("{0} needs no grant: every component has it")]
    Always(Capability),
    #[error("{0} is there for every caller or, if you deny it, for none: it takes no rule and no tier")]
    Unconditional(Capability),
}

/// One capability, granted with its arguments, for callers from a tier up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    what: What,
    /// Without one the table of tiers counts.
    from: Option<Tier>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    State,
    Http(Vec<HttpRule>),
    Files(Vec<FileRule>),
    Secrets(Vec<SecretRule>),
    Llm,
    Peers(Vec<PeerRule>),
}

impl What {
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
    /// `to` is as the owner wrote it; without `from` the capability's own lowest tier counts.
    pub fn new(capability: Capability, to: &[String], from: Option<Tier>) -> Result<Self, GrantError> {
        let what = match capability {
            Capability::State if to.is_empty() => What::State,
            Capability::Llm if to.is_empty() => What::Llm,
            Capability::State | Capability::Llm => return Err(GrantError::Whole(capability)),
            Capability::Http => What::Http(parsed(capability, to)?),
            Capability::Files => What::Files(parsed(capability, to)?),
            Capability::Secrets => What::Secrets(parsed(capability, to)?),
            Capability::Peers => What::Peers(parsed(capability, to)?),
            // A tier that is written and not obeyed would let in whom the owner meant to keep out.
            _ if from.is_some() || !to.is_empty() => return Err(GrantError::Unconditional(capability)),
            _ => return Err(GrantError::Always(capability)),
        };
        Ok(Self { what, from })
    }

    pub fn capability(&self) -> Capability {
        self.what.capability()
    }

    /// The rules, as they are written.
    pub fn to(&self) -> Vec<String> {
        match &self.what {
            What::State | What::Llm => Vec::new(),
            What::Http(rules) => rules.iter().map(ToString::to_string).collect(),
            What::Files(rules) => rules.iter().map(ToString::to_string).collect(),
            What::Secrets(rules) => rules.iter().map(ToString::to_string).collect(),
            What::Peers(rules) => rules.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether it is granted as a whole, without rules.
    pub fn is_whole(&self) -> bool {
        matches!(self.what, What::State | What::Llm)
    }

    /// The tier that the owner wrote; without one the table of tiers counts.
    pub fn from(&self) -> Option<Tier> {
        self.from
    }

    /// The lowest tier that gets anything of it.
    pub fn lowest(&self) -> Tier {
        self.from.unwrap_or(self.capability().lowest_tier())
    }

    /// Whether it opens addresses that are not public: what a reader should be warned of.
    pub fn allows_private(&self) -> bool {
        matches!(&self.what, What::Http(rules) if rules.iter().any(HttpRule::allows_private))
    }

    pub(crate) fn files(&self) -> &[FileRule] {
        match &self.what {
            What::Files(rules) => rules,
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

/// The start of what could not be read, fit for a terminal: an author may have written it.
fn shown(text: &str) -> String {
    Text::sanitized(&text.chars().take(200).collect::<String>()).to_string()
}

/// All that the owner granted to one component, and what they denied it. Deny beats allow.
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

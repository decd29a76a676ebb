//! The owner's word on what a component may touch, and what of it holds for one caller.

mod file;
mod http;
mod secret;

use std::fmt;

use serde::Serialize;

use crate::capability::{Capability, Grants};
use crate::tier::Tier;

pub use file::FileRule;
pub use http::{HttpRequest, HttpRule, Origin};
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
    #[error("a grant of {0} names nothing: `to` lists what is allowed")]
    Nothing(Capability),
    #[error("{0} takes no list: it is granted whole")]
    Whole(Capability),
    #[error("{0} needs no grant: every component has it")]
    Always(Capability),
    #[error("this coworker cannot grant {0} yet")]
    Unavailable(Capability),
}

/// One capability, granted with its arguments, for callers from a tier up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    what: What,
    from: Tier,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    State,
    Http(Vec<HttpRule>),
    Files(Vec<FileRule>),
    Secrets(Vec<SecretRule>),
}

impl Grant {
    /// `to` is as the owner wrote it; without `from` the capability's own lowest tier counts.
    pub fn new(capability: Capability, to: &[String], from: Option<Tier>) -> Result<Self, GrantError> {
        let what = match capability {
            Capability::State if to.is_empty() => What::State,
            Capability::State => return Err(GrantError::Whole(capability)),
            Capability::Http => What::Http(parsed(capability, to)?),
            Capability::Files => What::Files(parsed(capability, to)?),
            Capability::Secrets => What::Secrets(parsed(capability, to)?),
            Capability::Llm | Capability::Peers => return Err(GrantError::Unavailable(capability)),
            _ => return Err(GrantError::Always(capability)),
        };
        Ok(Self { what, from: from.unwrap_or(capability.lowest_tier()) })
    }

    pub fn capability(&self) -> Capability {
        match self.what {
            What::State => Capability::State,
            What::Http(_) => Capability::Http,
            What::Files(_) => Capability::Files,
            What::Secrets(_) => Capability::Secrets,
        }
    }
}

fn parsed<T: std::str::FromStr<Err = GrantError>>(
    capability: Capability,
    to: &[String],
) -> Result<Vec<T>, GrantError> {
    if to.is_empty() {
        return Err(GrantError::Nothing(capability));
    }
    to.iter().map(|text| text.parse()).collect()
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
}

/// Which buckets of its state a skill may open while it works for a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateAccess {
    #[default]
    None,
    /// Only the bucket that is private to this caller.
    Caller,
    /// Also the one that all callers share.
    Both,
}

/// What one call may touch: imported ∩ granted ∩ tier, computed once. Empty means nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    capabilities: Grants,
    state: StateAccess,
    http: Vec<HttpRule>,
    files: Vec<FileRule>,
    secrets: Vec<SecretRule>,
}

impl Effective {
    pub(crate) fn new(imported: &Grants, granted: &Granted, tier: Tier) -> Self {
        let open = |capability| imported.contains(capability) && !granted.denied.contains(capability);
        let mut effective = Self { state: state(granted, tier, open(Capability::State)), ..Self::default() };
        // A secret is put into outgoing requests, so it is worth nothing to who cannot send any.
        for grant in granted.grants.iter().filter(|grant| tier >= grant.from) {
            match &grant.what {
                What::State => {}
                What::Http(rules) if open(Capability::Http) => effective.http.extend_from_slice(rules),
                What::Files(rules) if open(Capability::Files) => {
                    effective.files.extend(rules.iter().filter_map(|rule| rule.for_tier(tier, grant.from)));
                }
                What::Secrets(rules)
                    if open(Capability::Http) && !granted.denied.contains(Capability::Secrets) =>
                {
                    effective.secrets.extend_from_slice(rules);
                }
                What::Http(_) | What::Files(_) | What::Secrets(_) => {}
            }
        }
        effective.capabilities = effective.held(open);
        effective
    }

    fn held(&self, open: impl Fn(Capability) -> bool) -> Grants {
        let held = |capability: &Capability| match capability {
            Capability::State => self.state > StateAccess::None,
            Capability::Http => !self.http.is_empty(),
            Capability::Files => !self.files.is_empty(),
            Capability::Secrets => !self.secrets.is_empty(),
            Capability::Llm | Capability::Peers => false,
            always => open(*always),
        };
        Capability::ALL.into_iter().filter(held).collect()
    }

    pub fn contains(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }

    pub fn state(&self) -> StateAccess {
        self.state
    }

    pub fn http(&self) -> &[HttpRule] {
        &self.http
    }

    pub fn files(&self) -> &[FileRule] {
        &self.files
    }

    pub fn secrets(&self) -> &[SecretRule] {
        &self.secrets
    }
}

/// State needs no grant from its lowest tier up; a grant can open it further down.
fn state(granted: &Granted, tier: Tier, open: bool) -> StateAccess {
    let lowest = |grant: &Grant| (grant.what == What::State).then_some(grant.from);
    let from = granted.grants.iter().filter_map(lowest).min().unwrap_or(Capability::State.lowest_tier());
    match tier {
        _ if !open || tier < from => StateAccess::None,
        Tier::Untrusted | Tier::Known => StateAccess::Caller,
        Tier::Internal | Tier::Privileged => StateAccess::Both,
    }
}

/// For the audit log: one line per capability and per argument.
impl Serialize for Effective {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.lines())
    }
}

impl Effective {
    fn lines(&self) -> Vec<String> {
        let plain = |capability: &Capability| {
            !matches!(
                capability,
                Capability::Http | Capability::Files | Capability::Secrets | Capability::State
            )
        };
        let mut lines: Vec<String> = self.capabilities.iter().filter(plain).map(|c| c.to_string()).collect();
        match self.state {
            StateAccess::None => {}
            StateAccess::Caller => lines.push("state caller".into()),
            StateAccess::Both => lines.push("state caller skill".into()),
        }
        lines.extend(self.http.iter().map(|rule| format!("http {rule}")));
        lines.extend(self.files.iter().map(|rule| format!("files {rule}")));
        lines.extend(self.secrets.iter().map(|rule| format!("secrets {rule}")));
        lines
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |rules: Vec<String>| rules.join(", ");
        match &self.what {
            What::State => write!(f, "state")?,
            What::Http(rules) => write!(f, "http {}", join(rules.iter().map(ToString::to_string).collect()))?,
            What::Files(rules) => {
                write!(f, "files {}", join(rules.iter().map(ToString::to_string).collect()))?
            }
            What::Secrets(rules) => {
                write!(f, "secrets {}", join(rules.iter().map(ToString::to_string).collect()))?
            }
        }
        write!(f, " from {}", self.from)
    }
}

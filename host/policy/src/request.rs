//! The capabilities that a component requests, as its author packed them.

use std::collections::BTreeMap;

use semver::Version;
use serde::Deserialize;

use crate::capability::{Capability, Grants};
use crate::grant::{Grant, GrantError};
use crate::name::SkillName;
use crate::text::{Text, TextError};
use crate::tier::Tier;

/// The `skill.toml` in a component. Its author wrote it, so all of it is data, and a request grants nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub name: SkillName,
    pub version: Version,
    pub asks: Vec<Ask>,
    /// Initial values for the component's `wasi:config`. The owner can change them.
    pub defaults: BTreeMap<Text, Text>,
}

/// One `[[request]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub capability: Capability,
    /// The rules as they would be granted. Empty where only the owner can supply them.
    pub to: Vec<Text>,
    pub from: Option<Tier>,
    /// The author's reason; never empty.
    pub why: Text,
}

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("skill.toml has {size} bytes; at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
    #[error("skill.toml is not UTF-8 text")]
    NotText,
    /// The parser's message, with the line.
    #[error("skill.toml: {0}")]
    Syntax(String),
    #[error("skill.toml has {count} {kind}; at most {max} are allowed")]
    TooMany { kind: &'static str, count: usize, max: usize },
    #[error("skill.toml: [[request]] number {number} has a bad `{field}`")]
    Text { number: usize, field: &'static str, source: TextError },
    #[error("skill.toml: [[request]] number {number} has an empty `why`")]
    Why { number: usize },
    #[error("skill.toml: [[request]] number {number} cannot be granted")]
    Ask { number: usize, source: GrantError },
    #[error(
        "skill.toml: [[request]] number {number} names folders; leave `to` empty, because only the owner can name them"
    )]
    Folder { number: usize },
    #[error("skill.toml: [defaults] has an invalid text")]
    Default(#[source] TextError),
}

/// Other tables are for the author's tools and ignored here.
#[derive(Deserialize)]
struct Wire {
    name: SkillName,
    version: Version,
    #[serde(default)]
    request: Vec<AskWire>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskWire {
    capability: Capability,
    #[serde(default)]
    to: Vec<String>,
    from: Option<Tier>,
    why: String,
}

impl Request {
    /// Largest file read, in bytes.
    pub const MAX: usize = 64 * 1024;
    const MAX_ASKS: usize = 64;
    const MAX_RULES: usize = 64;
    const MAX_DEFAULTS: usize = 256;

    /// Parses the bytes of a `skill.toml`.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        at_most(Self::MAX, bytes.len(), |size, max| RequestError::TooLarge { size, max })?;
        let text = std::str::from_utf8(bytes).map_err(|_| RequestError::NotText)?;
        let wire: Wire = toml::from_str(text).map_err(|error| {
            RequestError::Syntax(Text::sanitized(error.to_string().trim_end()).to_string())
        })?;
        let many = |kind| move |count, max| RequestError::TooMany { kind, count, max };
        at_most(Self::MAX_ASKS, wire.request.len(), many("requests"))?;
        at_most(Self::MAX_DEFAULTS, wire.defaults.len(), many("defaults"))?;
        let text = |text: String| Text::new(text).map_err(RequestError::Default);
        let defaults = wire.defaults.into_iter().map(|(key, value)| Ok((text(key)?, text(value)?)));
        Ok(Self {
            name: wire.name,
            version: wire.version,
            defaults: defaults.collect::<Result<_, RequestError>>()?,
            asks: (1..).zip(wire.request).map(|(n, ask)| ask.read(n)).collect::<Result<_, _>>()?,
        })
    }
}

fn at_most(
    max: usize,
    count: usize,
    error: impl Fn(usize, usize) -> RequestError,
) -> Result<(), RequestError> {
    if count > max { Err(error(count, max)) } else { Ok(()) }
}

impl AskWire {
    fn read(self, number: usize) -> Result<Ask, RequestError> {
        at_most(Request::MAX_RULES, self.to.len(), |count, max| RequestError::TooMany {
            kind: "rules in one request",
            count,
            max,
        })?;
        if self.capability == Capability::Files && !self.to.is_empty() {
            return Err(RequestError::Folder { number });
        }
        let text = |field, text: &str| {
            Text::new(text.trim()).map_err(|source| RequestError::Text { number, field, source })
        };
        let why = text("why", &self.why)?;
        if why.is_empty() {
            return Err(RequestError::Why { number });
        }
        let to = self.rules().map_err(|source| RequestError::Ask { number, source })?;
        let to = to.iter().map(|rule| text("to", rule)).collect::<Result<_, _>>()?;
        Ok(Ask { capability: self.capability, to, from: self.from, why })
    }

    /// The rules as they would be granted. Without rules, the owner supplies them.
    fn rules(&self) -> Result<Vec<String>, GrantError> {
        match Grant::new(self.capability, &self.to, self.from) {
            Ok(grant) => Ok(grant.to()),
            Err(GrantError::Nothing(_)) => Ok(self.to.clone()),
            Err(GrantError::Always(_) | GrantError::Unconditional(_)) if self.to.is_empty() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The grants for everything that a component requests and imports.
///
/// An author can request a higher tier than the usual lowest one, but not a lower one: only the owner opens a capability
/// to lower tiers. Only the owner names folders, too.
pub fn suggested(request: &Request, imports: &Grants) -> Vec<Grant> {
    let imported = |capability: Capability| match capability {
        Capability::Secrets => imports.contains(Capability::Http),
        own => imports.contains(own),
    };
    let grant = |ask: &Ask| {
        let from = ask.from.filter(|from| *from > ask.capability.lowest_tier());
        // State needs no grant.
        let needed = ask.capability != Capability::State || from.is_some();
        let to: Vec<String> = ask.to.iter().map(ToString::to_string).collect();
        needed.then(|| Grant::new(ask.capability, &to, from).ok()).flatten()
    };
    request.asks.iter().filter(|ask| imported(ask.capability)).filter_map(grant).collect()
}

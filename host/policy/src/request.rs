//! What a component asks for, as its author packed it, and what changes when another one takes its place.

use std::collections::BTreeMap;

use semver::Version;
use serde::Deserialize;

use crate::capability::{Capability, Grants};
use crate::grant::{Grant, GrantError};
use crate::name::SkillName;
use crate::text::{Text, TextError};
use crate::tier::Tier;

/// The `skill.toml` that a component carries. Its author wrote it: all of it is data, and none of it is
/// granted by being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub name: SkillName,
    pub version: Version,
    pub asks: Vec<Ask>,
    /// First values for the component's `wasi:config`, for the owner to change.
    pub defaults: BTreeMap<Text, Text>,
}

/// One `[[request]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub capability: Capability,
    /// As it would be granted; empty where only the owner can know.
    pub to: Vec<Text>,
    pub from: Option<Tier>,
    /// Why the author says so; never empty.
    pub why: Text,
}

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("skill.toml has {size} bytes; at most {max} are read")]
    TooLarge { size: usize, max: usize },
    #[error("skill.toml is not text")]
    NotText,
    /// With the line, as the parser says it.
    #[error("skill.toml: {0}")]
    Syntax(String),
    #[error("skill.toml has {count} {what}; at most {max} are read")]
    TooMany { what: &'static str, count: usize, max: usize },
    #[error("skill.toml: [[request]] number {number} has a bad `{field}`")]
    Text { number: usize, field: &'static str, source: TextError },
    #[error("skill.toml: [[request]] number {number} does not say why")]
    Why { number: usize },
    #[error("skill.toml: [[request]] number {number} asks for what cannot be granted")]
    Ask { number: usize, source: GrantError },
    #[error("skill.toml: [[request]] number {number} names folders; only the owner knows theirs")]
    Folder { number: usize },
    #[error("skill.toml: [defaults] has a bad text")]
    Default(#[source] TextError),
}

/// Other tables are for the author's tools.
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
        let many = |what| move |count, max| RequestError::TooMany { what, count, max };
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
            what: "rules in one request",
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

    /// The rules as they would be granted. A power without a rule is for the owner to fill in.
    fn rules(&self) -> Result<Vec<String>, GrantError> {
        match Grant::new(self.capability, &self.to, self.from) {
            Ok(grant) => Ok(grant.to()),
            Err(GrantError::Nothing(_)) => Ok(self.to.clone()),
            Err(GrantError::Always(_) | GrantError::Unconditional(_)) if self.to.is_empty() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// What the owner would grant who grants all that was asked for, as far as the component imports it.
///
/// An author may ask for a higher tier than the usual lowest one, never for a lower one: opening a
/// capability to callers further down is the owner's own idea. Folders are, too.
pub fn suggested(request: &Request, imports: &Grants) -> Vec<Grant> {
    let imported = |capability: Capability| match capability {
        Capability::Secrets => imports.contains(Capability::Http),
        own => imports.contains(own),
    };
    let grant = |ask: &Ask| {
        let from = ask.from.filter(|from| *from > ask.capability.lowest_tier());
        // State is there without a grant.
        let needed = ask.capability != Capability::State || from.is_some();
        let to: Vec<String> = ask.to.iter().map(ToString::to_string).collect();
        needed.then(|| Grant::new(ask.capability, &to, from).ok()).flatten()
    };
    request.asks.iter().filter(|ask| imported(ask.capability)).filter_map(grant).collect()
}

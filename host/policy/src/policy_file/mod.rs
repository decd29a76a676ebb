//! A component's `policy.toml`: parsing it, and editing it without losing the owner's comments and order.

pub mod edit;
pub(crate) mod limits;
mod rules;

use std::collections::BTreeMap;

use coworker_leak::LeakMode;
use serde::Deserialize;
use toml::Spanned;

use crate::capability::{Capability, Grants};
use crate::digest::Digest;
use crate::grant::{FileRule, Grant, GrantError, Granted};
use crate::listing::Listing;
use crate::name::SkillName;
use crate::terms::ComponentTerms;
use crate::text::Text;
use crate::tier::Tier;

use limits::LimitsWire;

/// A parsed `policy.toml`: all of the owner's decisions about a component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyFile {
    /// The component that the decisions are for. They have no effect for another one.
    pub digest: Option<Digest>,
    /// Skills that are not listed are hidden.
    pub listings: BTreeMap<SkillName, Listing>,
    pub terms: ComponentTerms,
    /// Values for the component's `wasi:config`.
    pub config: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// The parser's message, with the line.
    #[error("{0}")]
    Syntax(String),
    #[error("line {line}: [[grant]] number {number}")]
    Grant { line: usize, number: usize, source: GrantError },
    #[error("line {line}: [limits.{}] {key} = {value}: must be {min} to {max}", tier.name())]
    Limit { line: usize, tier: Tier, key: &'static str, value: u64, min: u64, max: u64 },
    #[error(
        "line {line}: `{first}` and `{second}` would both be `{mount}` in the guest; grant only one of them"
    )]
    Mount { line: usize, mount: String, first: String, second: String },
    #[error(
        "line {line}: `{path}` would be `/assets` in the guest, which holds the component's own files; rename the folder"
    )]
    Assets { line: usize, path: String },
    #[error("the file has {size} bytes; at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWire {
    digest: Option<Digest>,
    #[serde(default)]
    skills: BTreeMap<SkillName, SkillWire>,
    #[serde(default)]
    grant: Vec<GrantWire>,
    #[serde(default)]
    deny: Vec<DenyWire>,
    #[serde(default)]
    limits: BTreeMap<Tier, LimitsWire>,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillWire {
    #[serde(default)]
    exposed: bool,
    #[serde(default = "known")]
    from: Tier,
    #[serde(default)]
    leaks: LeakMode,
}

fn known() -> Tier {
    Tier::Known
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantWire {
    capability: Spanned<Capability>,
    #[serde(default)]
    to: Vec<Spanned<String>>,
    from: Option<Tier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DenyWire {
    capability: Capability,
}

impl PolicyFile {
    /// Largest file read, in bytes.
    pub const MAX: usize = 256 * 1024;

    /// # Errors
    /// Names the line, except for a file that is too large.
    pub fn parse(text: &str) -> Result<Self, PolicyFileError> {
        if text.len() > Self::MAX {
            return Err(PolicyFileError::TooLarge { size: text.len(), max: Self::MAX });
        }
        let file: FileWire = toml::from_str(text).map_err(|error| syntax(&error))?;
        let lines = Lines(text);
        let granted = granted(&file.grant, &file.deny, lines)?;
        let limits = limits::of(&file.limits, &granted, lines)?;
        let leaks = file.skills.iter().map(|(name, skill)| (name.clone(), skill.leaks));
        let terms = ComponentTerms::new(granted, limits).with_leak_modes(leaks);
        Ok(Self {
            digest: file.digest,
            listings: file.skills.into_iter().map(|(name, skill)| (name, skill.listing())).collect(),
            terms,
            config: file.config,
        })
    }
}

/// Makes the parser's message plain: it quotes a line of the file and is shown in a terminal.
fn syntax(error: &impl ToString) -> PolicyFileError {
    PolicyFileError::Syntax(Text::sanitized(error.to_string().trim_end()).to_string())
}

impl SkillWire {
    fn listing(&self) -> Listing {
        if self.exposed { Listing::Exposed { from: self.from } } else { Listing::Hidden }
    }
}

/// The text of a file, to find the line of an error.
#[derive(Clone, Copy)]
struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// The line of a value, from 1.
    fn of<T>(self, place: &Spanned<T>) -> usize {
        self.0.get(..place.span().start).unwrap_or_default().split('\n').count()
    }
}

fn granted(grants: &[GrantWire], denied: &[DenyWire], lines: Lines<'_>) -> Result<Granted, PolicyFileError> {
    let grant = |(number, wire): (usize, &GrantWire)| {
        wire.read().map_err(|source| PolicyFileError::Grant { line: wire.wrong(lines), number, source })
    };
    let read = (1..).zip(grants).map(grant).collect::<Result<Vec<_>, _>>()?;
    mounts(grants, lines)?;
    Ok(Granted::new(read, denied.iter().map(|deny| deny.capability).collect::<Grants>()))
}

impl GrantWire {
    fn read(&self) -> Result<Grant, GrantError> {
        let to: Vec<String> = self.to.iter().map(|rule| rule.get_ref().clone()).collect();
        Grant::new(*self.capability.get_ref(), &to, self.from)
    }

    /// The line of the first invalid rule. If every rule is valid by itself, the line of the capability.
    fn wrong(&self, lines: Lines<'_>) -> usize {
        let alone = |rule: &str| Grant::new(*self.capability.get_ref(), &[rule.to_owned()], self.from);
        let wrong = self.to.iter().find(|rule| alone(rule.get_ref()).is_err());
        wrong.map_or_else(|| lines.of(&self.capability), |rule| lines.of(rule))
    }

    fn folders(&self, lines: Lines<'_>) -> impl Iterator<Item = (usize, FileRule)> {
        let files = *self.capability.get_ref() == Capability::Files;
        let rules = self.to.iter().filter(move |_| files);
        rules.filter_map(move |rule| Some((lines.of(rule), rule.get_ref().parse().ok()?)))
    }
}

/// Refuses two folders with the same mount, because a guest knows a folder only by its mount.
fn mounts(grants: &[GrantWire], lines: Lines<'_>) -> Result<(), PolicyFileError> {
    let mut mounts: BTreeMap<String, FileRule> = BTreeMap::new();
    let path = |rule: &FileRule| rule.path().display().to_string();
    for (line, rule) in grants.iter().flat_map(|grant| grant.folders(lines)) {
        let mount = rule.mount();
        if mount == "/assets" {
            return Err(PolicyFileError::Assets { line, path: path(&rule) });
        }
        match mounts.insert(mount.clone(), rule.clone()) {
            Some(other) if other.path() != rule.path() => {
                return Err(PolicyFileError::Mount { line, mount, first: path(&other), second: path(&rule) });
            }
            _ => {}
        }
    }
    Ok(())
}

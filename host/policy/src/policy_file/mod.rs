//! A component's `policy.toml`: reading it, and changing it without losing what its owner wrote around it.

pub mod edit;
mod limits;
mod rules;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::capability::{Capability, Grants};
use crate::digest::Digest;
use crate::grant::{FileRule, Grant, GrantError, Granted};
use crate::listing::Listing;
use crate::name::SkillName;
use crate::terms::Terms;
use crate::text::Text;
use crate::tier::Tier;

use limits::LimitsWire;

/// A component's `policy.toml`, read and checked: the owner's whole word on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyFile {
    /// The component that this was agreed for; for another one it means nothing.
    pub digest: Option<Digest>,
    /// A skill that is not named here is hidden.
    pub listings: BTreeMap<SkillName, Listing>,
    pub terms: Terms,
    /// Values for the component's `wasi:config`.
    pub config: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// With the line, as the parser says it.
    #[error("{0}")]
    Syntax(String),
    #[error("[[grant]] number {number}")]
    Grant { number: usize, source: GrantError },
    #[error("[limits.{}] {key} = {value}: must be {min} to {max}", tier.name())]
    Limit { tier: Tier, key: &'static str, value: u64, min: u64, max: u64 },
    #[error("`{first}` and `{second}` would both be `{mount}` to the guest; grant one of them")]
    Mount { mount: String, first: String, second: String },
    #[error("`{path}` would be `/assets` to the guest, where the component's own files are")]
    Assets { path: String },
    #[error("the file has {size} bytes; at most {max} are read")]
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
}

fn known() -> Tier {
    Tier::Known
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantWire {
    capability: Capability,
    #[serde(default)]
    to: Vec<String>,
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
    /// Names the line for what TOML or an unknown key is wrong, and the place for a value out of range.
    pub fn parse(text: &str) -> Result<Self, PolicyFileError> {
        if text.len() > Self::MAX {
            return Err(PolicyFileError::TooLarge { size: text.len(), max: Self::MAX });
        }
        let file: FileWire = toml::from_str(text).map_err(|error| syntax(&error))?;
        let granted = granted(file.grant, &file.deny)?;
        let limits = limits::of(&file.limits, &granted)?;
        Ok(Self {
            digest: file.digest,
            listings: file.skills.into_iter().map(|(name, skill)| (name, skill.listing())).collect(),
            terms: Terms::new(granted, limits),
            config: file.config,
        })
    }
}

/// The parser quotes the line, whatever stands in it; a terminal will show it.
fn syntax(error: &impl ToString) -> PolicyFileError {
    PolicyFileError::Syntax(Text::sanitized(error.to_string().trim_end()).to_string())
}

impl SkillWire {
    fn listing(&self) -> Listing {
        if self.exposed { Listing::Exposed { from: self.from } } else { Listing::Hidden }
    }
}

fn granted(grants: Vec<GrantWire>, denied: &[DenyWire]) -> Result<Granted, PolicyFileError> {
    let grant = |(index, grant): (usize, GrantWire)| {
        Grant::new(grant.capability, &grant.to, grant.from)
            .map_err(|source| PolicyFileError::Grant { number: index + 1, source })
    };
    let grants = grants.into_iter().enumerate().map(grant).collect::<Result<Vec<_>, _>>()?;
    mounts(&grants)?;
    Ok(Granted::new(grants, denied.iter().map(|deny| deny.capability).collect::<Grants>()))
}

/// A guest knows a folder by its mount alone, so two folders cannot share one.
fn mounts(grants: &[Grant]) -> Result<(), PolicyFileError> {
    let mut mounts: BTreeMap<String, &FileRule> = BTreeMap::new();
    let path = |rule: &FileRule| rule.path().display().to_string();
    for rule in grants.iter().flat_map(Grant::files) {
        let mount = rule.mount();
        if mount == "/assets" {
            return Err(PolicyFileError::Assets { path: path(rule) });
        }
        match mounts.insert(mount.clone(), rule) {
            Some(other) if other.path() != rule.path() => {
                return Err(PolicyFileError::Mount { mount, first: path(other), second: path(rule) });
            }
            _ => {}
        }
    }
    Ok(())
}

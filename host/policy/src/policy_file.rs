use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::capability::{Capability, Grants};
use crate::digest::Digest;
use crate::grant::{Grant, GrantError, Granted};
use crate::limits::Limits;
use crate::listing::Listing;
use crate::name::SkillName;
use crate::terms::Terms;
use crate::tier::Tier;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsWire {
    fuel: Option<u64>,
    wall_ms: Option<u64>,
    memory_mib: Option<u64>,
    input_kib: Option<u64>,
    output_kib: Option<u64>,
    log_kib: Option<u64>,
    host_calls: Option<u64>,
    calls_per_min: Option<u64>,
    concurrent: Option<u64>,
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
        let file: FileWire =
            toml::from_str(text).map_err(|error| PolicyFileError::Syntax(error.to_string()))?;
        Ok(Self {
            digest: file.digest,
            listings: file.skills.into_iter().map(|(name, skill)| (name, skill.listing())).collect(),
            terms: Terms::new(granted(file.grant, &file.deny)?, limits(&file.limits)?),
            config: file.config,
        })
    }
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
    let grants = grants.into_iter().enumerate().map(grant).collect::<Result<_, _>>()?;
    Ok(Granted::new(grants, denied.iter().map(|deny| deny.capability).collect::<Grants>()))
}

fn limits(wires: &BTreeMap<Tier, LimitsWire>) -> Result<[Limits; 4], PolicyFileError> {
    let mut limits = Tier::ALL.map(Limits::of);
    for (tier, wire) in wires {
        wire.apply(*tier, &mut limits[*tier as usize])?;
    }
    Ok(limits)
}

impl LimitsWire {
    /// Moves what is named; what the host's pool has no room for is refused, not cut.
    fn apply(&self, tier: Tier, limits: &mut Limits) -> Result<(), PolicyFileError> {
        let within = |key, value: Option<u64>, range: RangeInclusive<u64>, usual: u64| match value {
            None => Ok(usual),
            Some(value) if range.contains(&value) => Ok(value),
            Some(value) => {
                Err(PolicyFileError::Limit { tier, key, value, min: *range.start(), max: *range.end() })
            }
        };
        let size = |key, value: Option<u64>, unit: usize, max: u64, usual: usize| {
            let usual = (usual / unit) as u64;
            within(key, value, 0..=max, usual)
                .map(|value| usize::try_from(value).unwrap_or(usize::MAX) * unit)
        };
        limits.fuel = within("fuel", self.fuel, 1..=1_000_000_000_000, limits.fuel)?;
        limits.wall_ms = within("wall_ms", self.wall_ms, 1..=3_600_000, limits.wall_ms)?;
        limits.host_calls = within("host_calls", self.host_calls, 1..=1_000_000_000, limits.host_calls)?;
        limits.calls_per_min =
            within("calls_per_min", self.calls_per_min, 0..=1_000_000, limits.calls_per_min)?;
        limits.memory_bytes = size("memory_mib", self.memory_mib, 1 << 20, 64, limits.memory_bytes)?;
        limits.input_bytes = size("input_kib", self.input_kib, 1 << 10, 2048, limits.input_bytes)?;
        limits.output_bytes = size("output_kib", self.output_kib, 1 << 10, 2048, limits.output_bytes)?;
        limits.log_bytes = size("log_kib", self.log_kib, 1 << 10, 16 * 1024, limits.log_bytes)?;
        limits.concurrent = size("concurrent", self.concurrent, 1, 32, limits.concurrent)?;
        Ok(())
    }
}

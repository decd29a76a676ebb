use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{Lines, PolicyFileError};
use crate::grant::Granted;
use crate::limits::{LimitKey, Limits};
use crate::tier::Tier;

/// One `[limits.TIER]`: the values that the owner set, with their keys.
pub(super) struct LimitsWire(Vec<(&'static LimitKey, Spanned<u64>)>);

static KEYS: [LimitKey; LimitKey::NAMES.len()] = LimitKey::ALL;

/// The limits of every tier: the defaults, raised for granted capabilities, and then the owner's values.
pub(super) fn of(
    wires: &BTreeMap<Tier, LimitsWire>,
    granted: &Granted,
    lines: Lines<'_>,
) -> Result<[Limits; 4], PolicyFileError> {
    let mut limits = Tier::ALL.map(Limits::of);
    for (tier, limits) in Tier::ALL.into_iter().zip(&mut limits) {
        let reached = granted.grants().iter().filter(|grant| tier >= grant.lowest());
        reached.for_each(|grant| limits.make_room(grant.capability()));
        if let Some(wire) = wires.get(&tier) {
            wire.apply(tier, limits, lines)?;
        }
    }
    Ok(limits)
}

impl LimitsWire {
    /// Refuses a value out of range instead of cutting it: the owner must know which limit holds.
    fn apply(&self, tier: Tier, limits: &mut Limits, lines: Lines<'_>) -> Result<(), PolicyFileError> {
        for (key, written) in &self.0 {
            let (value, min, max) = (*written.get_ref(), key.min, key.max(tier));
            if !(min..=max).contains(&value) {
                let line = lines.of(written);
                return Err(PolicyFileError::Limit { line, tier, key: key.name, value, min, max });
            }
            key.set(limits, value);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for LimitsWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = LimitsWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of limits")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LimitsWire, A::Error> {
        let mut values = Vec::new();
        while let Some(KeyWire(key)) = map.next_key()? {
            values.push((key, map.next_value()?));
        }
        Ok(LimitsWire(values))
    }
}

/// The name of a limit. An unknown one is an error at its own place in the file.
struct KeyWire(&'static LimitKey);

impl<'de> Deserialize<'de> for KeyWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = KeyWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a limit")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<KeyWire, E> {
        let key = KEYS.iter().find(|key| key.name == name);
        key.map(KeyWire).ok_or_else(|| E::unknown_field(name, &LimitKey::NAMES))
    }
}

use std::collections::BTreeMap;

use coworker_leak::LeakMode;

use crate::grant::Granted;
use crate::limits::{LimitKey, Limits};
use crate::name::SkillName;
use crate::tier::Tier;

/// The owner's terms for one component: the capabilities and limits of its calls, by the caller's tier.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentTerms {
    granted: Granted,
    limits: [Limits; 4],
    /// The skills with another mode than the default.
    leak_modes: BTreeMap<SkillName, LeakMode>,
}

impl ComponentTerms {
    pub fn new(granted: Granted, limits: [Limits; 4]) -> Self {
        Self { granted, limits, leak_modes: BTreeMap::new() }
    }

    pub(crate) fn with_leak_modes(self, modes: impl Iterator<Item = (SkillName, LeakMode)>) -> Self {
        let leak_modes = modes.filter(|(_, mode)| *mode != LeakMode::default()).collect();
        Self { leak_modes, ..self }
    }

    /// The treatment of this skill's answers that contain private text.
    pub fn leak_mode(&self, skill: &SkillName) -> LeakMode {
        self.leak_modes.get(skill).copied().unwrap_or_default()
    }

    /// The skills for which the owner set another mode than the default.
    pub fn leak_modes(&self) -> &BTreeMap<SkillName, LeakMode> {
        &self.leak_modes
    }

    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    pub fn limits(&self, tier: Tier) -> &Limits {
        &self.limits[tier as usize]
    }

    /// The limits of a tier that differ from its defaults, by their keys in `policy.toml` and in its units.
    pub fn changed_limits(&self, tier: Tier) -> BTreeMap<&'static str, u64> {
        let (own, default) = (self.limits(tier), Limits::of(tier));
        let keys = LimitKey::ALL.iter().map(|key| (key.name, key.value(own), key.value(&default)));
        keys.filter(|(_, own, default)| own != default).map(|(name, own, _)| (name, own)).collect()
    }
}

/// The terms of a component for which the owner has set nothing.
impl Default for ComponentTerms {
    fn default() -> Self {
        Self::new(Granted::default(), Tier::ALL.map(Limits::of))
    }
}

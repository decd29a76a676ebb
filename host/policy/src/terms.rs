use std::collections::BTreeMap;

use crate::grant::Granted;
use crate::leak::Leaks;
use crate::limits::Limits;
use crate::name::SkillName;
use crate::policy_file;
use crate::tier::Tier;

/// The owner's terms for one component: what it may touch and how much it may use, by the caller's tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub(crate) granted: Granted,
    limits: [Limits; 4],
    /// A skill that is not named here blocks.
    leaks: BTreeMap<SkillName, Leaks>,
}

impl Terms {
    pub fn new(granted: Granted, limits: [Limits; 4]) -> Self {
        Self { granted, limits, leaks: BTreeMap::new() }
    }

    pub(crate) fn with_leaks(self, leaks: impl Iterator<Item = (SkillName, Leaks)>) -> Self {
        // What is the default is as good as not said.
        let leaks = leaks.filter(|(_, leaks)| *leaks != Leaks::default()).collect();
        Self { leaks, ..self }
    }

    /// What happens to an answer of a skill with private text in it.
    pub fn leaks(&self, skill: &SkillName) -> Leaks {
        self.leaks.get(skill).copied().unwrap_or_default()
    }

    /// The skills of which the owner said something else than the default.
    pub fn leaks_moved(&self) -> &BTreeMap<SkillName, Leaks> {
        &self.leaks
    }

    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    pub fn limits(&self, tier: Tier) -> &Limits {
        &self.limits[tier as usize]
    }

    /// The limits of a tier that are not its defaults, by their keys in `policy.toml` and in its units.
    pub fn moved(&self, tier: Tier) -> BTreeMap<&'static str, u64> {
        let usual = policy_file::limits::keys(&Limits::of(tier));
        let own = policy_file::limits::keys(self.limits(tier));
        own.into_iter().zip(usual).filter(|(own, usual)| own != usual).map(|(own, _)| own).collect()
    }
}

/// What holds where the owner said nothing.
impl Default for Terms {
    fn default() -> Self {
        Self::new(Granted::default(), Tier::ALL.map(Limits::of))
    }
}

use std::collections::BTreeMap;

use crate::grant::Granted;
use crate::limits::Limits;
use crate::policy_file;
use crate::tier::Tier;

/// The owner's terms for one component: what it may touch and how much it may use, by the caller's tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub(crate) granted: Granted,
    limits: [Limits; 4],
}

impl Terms {
    pub fn new(granted: Granted, limits: [Limits; 4]) -> Self {
        Self { granted, limits }
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
        Self { granted: Granted::default(), limits: Tier::ALL.map(Limits::of) }
    }
}

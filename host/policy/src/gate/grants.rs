use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::call::Caller;
use super::input::CheckedCall;
use crate::digest::Digest;
use crate::grant::Effective;
use crate::limits::Limits;
use crate::skill::Skill;
use crate::tier::Tier;

/// A caller's name for one component: stable, and linkable neither to the key nor to the name for another component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pseudonym(pub [u8; 16]);

/// A call with everything that it may touch. It does not run yet: [`disclosure`](super::disclosure) decides first
/// how its output is watched.
#[derive(Debug)]
pub struct GrantedCall {
    pub(super) caller: Caller,
    pub(super) tier: Tier,
    pub(super) pseudonym: Pseudonym,
    pub(super) skill: Arc<Skill>,
    pub(super) input: String,
    pub(super) grants: Effective,
    pub(super) limits: Limits,
    pub(super) wall: Duration,
}

/// Decides what the skill may touch while it runs for this caller.
pub fn grants(call: CheckedCall, pseudonym: Pseudonym) -> GrantedCall {
    let CheckedCall { caller, tier, limits, skill, input, timeout } = call;
    GrantedCall {
        // G09: imported ∩ granted ∩ tier.
        grants: Effective::new(&skill.imports, skill.terms.granted(), tier),
        // G10: the tier's wall time or the caller's timeout, whichever is shorter.
        wall: timeout.map_or(limits.wall(), |timeout| timeout.min(limits.wall())),
        caller,
        tier,
        pseudonym,
        skill,
        input,
        limits,
    }
}

impl GrantedCall {
    pub fn caller(&self) -> Caller {
        self.caller
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    pub fn skill(&self) -> &str {
        self.skill.card.name.as_str()
    }

    pub fn component(&self) -> Digest {
        self.skill.component
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonym({self})")
    }
}

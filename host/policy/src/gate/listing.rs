use std::sync::Arc;

use super::call::{Call, Caller};
use super::rate::CallRate;
use super::trust::TrustedCall;
use crate::card::Card;
use crate::limits::Limits;
use crate::listing::Listing;
use crate::refusal::Refusal;
use crate::skill::Skill;
use crate::tier::Tier;

/// A call of a skill that its caller may know of.
#[derive(Debug)]
pub struct ListedCall {
    pub(super) call: Call,
    pub(super) tier: Tier,
    pub(super) limits: Limits,
    pub(super) skill: Arc<Skill>,
}

/// Decides by whether the caller may know that the skill exists. `skill` is what the catalog holds under
/// the name in the call, if anything.
pub fn listing(call: TrustedCall, skill: Option<&Arc<Skill>>) -> Result<ListedCall, Refusal> {
    let TrustedCall { call, tier, rate } = call;
    // G03: the skill exists.
    let skill = Arc::clone(skill.ok_or(Refusal::NoSuchSkill)?);
    // From here on the owner's limits for this component count.
    let limits = *skill.terms.limits(tier);
    // The owner acts with their own authority; `OwnerAs` sees what a peer of that tier sees.
    if call.caller != Caller::Owner {
        shown(&skill, tier)?;
        within_rate(&skill, &rate, limits.calls_per_min)?;
    }
    // G22: a skill never waits for itself. Behind the listing, where the caller may know the skill.
    if call.delegation.is_some_and(|delegation| delegation.is_cycle) {
        return Err(Refusal::CallCycle(skill.card.name.clone()));
    }
    Ok(ListedCall { call, tier, limits, skill })
}

fn shown(skill: &Skill, tier: Tier) -> Result<(), Refusal> {
    let name = || skill.card.name.clone();
    match skill.listing {
        // G04: the owner exposed it.
        Listing::Hidden => Err(Refusal::Hidden(name())),
        // G05: to callers of this tier.
        Listing::Exposed { from } if tier < from => {
            Err(Refusal::SkillTierTooLow { skill: name(), from, tier })
        }
        Listing::Exposed { .. } => Ok(()),
    }
}

/// G15: this component's own calls per minute. Only who may know of the skill comes here.
fn within_rate(skill: &Skill, rate: &CallRate, limit: u64) -> Result<(), Refusal> {
    let name = skill.card.name.clone();
    let wait = rate.wait_for_skill(limit);
    wait.map_or(Ok(()), |wait| Err(Refusal::TooManyCallsOfSkill { skill: name, limit, wait }))
}

/// What a peer of `tier` may see: the same decision as for a call, so that the two cannot drift apart.
pub fn cards<'a>(skills: impl IntoIterator<Item = &'a Arc<Skill>>, tier: Tier) -> Vec<&'a Card> {
    skills.into_iter().filter(|skill| shown(skill, tier).is_ok()).map(|skill| &skill.card).collect()
}

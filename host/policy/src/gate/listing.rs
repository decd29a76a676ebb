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

/// A call of a skill that its caller may know about.
#[derive(Debug)]
pub struct ListedCall {
    pub(super) call: Call,
    pub(super) tier: Tier,
    pub(super) limits: Limits,
    pub(super) skill: Arc<Skill>,
}

/// Decides whether the caller may know that the skill exists. `skill` is the catalog's entry for the name in the
/// call, if there is one.
pub fn listing(call: TrustedCall, skill: Option<&Arc<Skill>>) -> Result<ListedCall, Refusal> {
    let TrustedCall { call, tier, rate } = call;
    // G03: the skill exists.
    let skill = Arc::clone(skill.ok_or(Refusal::NoSuchSkill)?);
    // From here on the owner's limits for this component apply.
    let limits = *skill.terms.limits(tier);
    // The owner has full authority; `OwnerAs` sees the same as a peer of that tier.
    if call.caller != Caller::Owner {
        visible(&skill, tier)?;
        within_rate(&skill, &rate, limits.calls_per_min)?;
    }
    // G22: a skill must not wait for itself. Checked after the listing, so that it reveals nothing about hidden
    // skills.
    if call.delegation.is_some_and(|delegation| delegation.is_cycle) {
        return Err(Refusal::CallCycle(skill.card.name.clone()));
    }
    Ok(ListedCall { call, tier, limits, skill })
}

fn visible(skill: &Skill, tier: Tier) -> Result<(), Refusal> {
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

/// G15: this component's own limit of calls per minute. Checked only for callers that may know about the skill.
fn within_rate(skill: &Skill, rate: &CallRate, limit: u64) -> Result<(), Refusal> {
    let name = skill.card.name.clone();
    let wait = rate.wait_for_skill(limit);
    wait.map_or(Ok(()), |wait| Err(Refusal::TooManyCallsOfSkill { skill: name, limit, wait }))
}

/// The cards that a peer of `tier` may see. The same decision as for a call, so that the two always agree.
pub fn cards<'a>(skills: impl IntoIterator<Item = &'a Arc<Skill>>, tier: Tier) -> Vec<&'a Card> {
    skills.into_iter().filter(|skill| visible(skill, tier).is_ok()).map(|skill| &skill.card).collect()
}

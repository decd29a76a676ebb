use super::call::{Call, Caller, Delegation};
use super::rate::CallRate;
use crate::limits::Limits;
use crate::message::MessageKind;
use crate::refusal::Refusal;
use crate::tier::Tier;

/// What we hold of a caller at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The tier that the owner gave the peer; not consulted where the owner calls.
    pub tier: Tier,
    /// Calls of this caller that wait or run now, this one not counted.
    pub pending: usize,
    /// Calls of this caller within the last minute, this one not counted; not consulted where the owner calls.
    pub rate: CallRate,
}

/// A call whose sender may send calls at all, with the tier that everything after is decided by.
#[derive(Debug)]
pub struct TrustedCall {
    pub(super) call: Call,
    pub(super) tier: Tier,
    pub(super) rate: CallRate,
}

impl TrustedCall {
    /// The name to look up, as the caller wrote it.
    pub fn skill(&self) -> &str {
        &self.call.skill
    }
}

/// Decides by who asks.
pub fn trust(call: Call, standing: Standing) -> Result<TrustedCall, Refusal> {
    let tier = match call.caller {
        Caller::Peer(_) => standing.tier,
        Caller::Owner => Tier::Privileged,
        Caller::OwnerAs(tier) => tier,
    };
    // G20: a skill that asks for somebody gets no more than that somebody would.
    let tier = call.delegation.map_or(tier, |delegation| tier.min(delegation.at_most));
    super::message(MessageKind::TaskRequest, tier)?;
    // G21: what is passed on and on comes to an end. Decided before any skill is looked up.
    if let Some(Delegation { depth, .. }) =
        call.delegation.filter(|delegation| delegation.depth > Delegation::MAX_DEPTH)
    {
        return Err(Refusal::PassedOnTooOften { depth, max: Delegation::MAX_DEPTH });
    }
    let limits = Limits::of(tier);
    let limit = limits.pending;
    // G02: a caller cannot pile up calls; what it may have waiting is bounded by its tier.
    if standing.pending >= limit {
        return Err(Refusal::TooManyPending { limit });
    }
    // G14: nor call without end. Decided before any skill is looked up, so that it is the same for one that
    // is hidden and one that does not exist. The owner's own calls are the owner's own business.
    if let Some(wait) = standing.rate.wait(limits.calls_per_min).filter(|_| call.caller != Caller::Owner) {
        return Err(Refusal::TooManyCalls { limit: limits.calls_per_min, wait });
    }
    Ok(TrustedCall { call, tier, rate: standing.rate })
}

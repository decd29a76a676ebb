use super::call::{Call, Caller, Delegation};
use super::rate::CallRate;
use crate::limits::Limits;
use crate::message::MessageKind;
use crate::refusal::Refusal;
use crate::tier::Tier;

/// The state of a caller at the arrival of a call: its tier and its other calls.
#[derive(Clone, Copy, Debug)]
pub struct CallerState {
    /// The tier that the owner gave the peer. Ignored for the owner's own calls.
    pub tier: Tier,
    /// Calls of this caller that wait or run, without this one.
    pub pending: usize,
    /// Calls of this caller within the last minute, without this one. Ignored for the owner's own calls.
    pub rate: CallRate,
}

/// A call whose sender may send calls at all, with the tier that decides everything after it.
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

/// Decides by the caller.
pub fn trust(call: Call, state: CallerState) -> Result<TrustedCall, Refusal> {
    let tier = match call.caller {
        Caller::Peer(_) => state.tier,
        Caller::Owner => Tier::Privileged,
        Caller::OwnerAs(tier) => tier,
    };
    // G20: a delegated call gets no more than its first caller would.
    let tier = call.delegation.map_or(tier, |delegation| tier.min(delegation.at_most));
    super::message(MessageKind::TaskRequest, tier)?;
    // G21: the depth of delegation is bounded. Checked before any skill is looked up.
    if let Some(Delegation { depth, .. }) =
        call.delegation.filter(|delegation| delegation.depth > Delegation::MAX_DEPTH)
    {
        return Err(Refusal::PassedOnTooOften { depth, max: Delegation::MAX_DEPTH });
    }
    let limits = Limits::of(tier);
    let limit = limits.pending;
    // G02: a caller must not accumulate calls; its tier bounds the number that wait or run.
    if state.pending >= limit {
        return Err(Refusal::TooManyPending { limit });
    }
    // G14: the calls per minute are bounded. Checked before any skill is looked up, so that hidden and unknown skills
    // give the same answer. The owner is exempt.
    if let Some(wait) = state.rate.wait(limits.calls_per_min).filter(|_| call.caller != Caller::Owner) {
        return Err(Refusal::TooManyCalls { limit: limits.calls_per_min, wait });
    }
    Ok(TrustedCall { call, tier, rate: state.rate })
}

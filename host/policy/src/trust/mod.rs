//! Trust that ends by itself: the tier that the owner gave a peer, its duration, and the effect of the peer's conduct.
//!
//! Only the owner raises a tier, by a decision or by an invite. Time, use and faults only lower it.

mod change;
mod conduct;
mod invite;
mod lease;

pub use change::{Reason, TierChange, UnknownReason};
pub use conduct::{Misdeed, is_provider_fault};
pub use invite::{BadToken, GrantTooHigh, InviteGrant, InviteToken, TokenRefusal};
pub use lease::{Lease, LeaseSpanError, LeaseTerms, span};

use crate::tier::Tier;

/// Faults in a row that lower the tier by one step.
pub const FAULTS_IN_ROW: u32 = 3;
/// Faults in all, since the owner's last decision, that lower the tier to UNTRUSTED.
pub const FAULTS_IN_ALL: u32 = 10;

/// The faults of one peer in one of its roles, since the owner's last decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Since the last success, or the last step down.
    pub in_row: u32,
    pub total: u32,
}

/// The trust in one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    tier: Tier,
    /// Always above `tier`.
    lease: Option<Lease>,
    as_provider: Faults,
    as_caller: Faults,
    shut: bool,
}

/// The lease that a call was judged by ended, or was used up, before the call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trust that this call was judged by has ended")]
pub struct Spent;

impl Trust {
    /// The owner's decision without an end. It forgives earlier faults.
    pub fn standing(tier: Tier) -> Self {
        Self { tier, shut: tier == Tier::Untrusted, ..Self::default() }
    }

    /// The owner's decision with an end.
    ///
    /// A lease above the peer's standing tier falls back to that tier. A lease at or below it replaces it and falls
    /// back to UNTRUSTED. Terms without any end give a standing tier.
    #[must_use]
    pub fn leased(&self, tier: Tier, terms: LeaseTerms, now_ms: i64) -> Self {
        if terms.is_endless() {
            return Self::standing(tier);
        }
        let under = if tier > self.tier { self.tier } else { Tier::Untrusted };
        let lease = Some(Lease::new(tier, terms, now_ms)).filter(|lease| lease.tier > under);
        Self { tier: under, lease, shut: tier == Tier::Untrusted, ..Self::default() }
    }

    /// Restores stored trust. A lease that is not above the standing tier is dropped.
    pub fn restored(
        tier: Tier,
        lease: Option<Lease>,
        as_provider: Faults,
        as_caller: Faults,
        shut: bool,
    ) -> Self {
        Self { tier, lease: lease.filter(|lease| lease.tier > tier), as_provider, as_caller, shut }
    }

    /// The peer's tier at a time. It never rises as time passes.
    pub fn tier_at(&self, now_ms: i64) -> Tier {
        self.live_lease(now_ms).map_or(self.tier, |lease| lease.tier)
    }

    /// The tier after the end of the lease, if there is one.
    pub fn without_lease(&self) -> Tier {
        self.tier
    }

    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    pub fn as_provider(&self) -> Faults {
        self.as_provider
    }

    pub fn as_caller(&self) -> Faults {
        self.as_caller
    }

    /// Whether the owner, or the peer's own conduct, set it to UNTRUSTED, so that no invite has an effect.
    pub fn is_shut(&self) -> bool {
        self.shut
    }

    /// Ends a lease whose time is over, for good: setting the clock back must not restore it.
    pub fn expire(&mut self, now_ms: i64) -> Option<TierChange> {
        let over = self.lease.as_ref().is_some_and(|lease| lease.is_over(now_ms));
        over.then(|| self.end_lease(Reason::LeaseTime)).flatten()
    }

    /// Counts a call of the peer that was judged at `tier` and is about to run.
    ///
    /// The last call of a lease still runs; the change that is returned applies to later calls. If the tier is lower by
    /// now, because another call was the last one or the time ran out, the call must not run.
    pub fn call_counted(&mut self, tier: Tier, now_ms: i64) -> Result<Option<TierChange>, Spent> {
        if self.tier_at(now_ms) < tier {
            return Err(Spent);
        }
        let Some(lease) = self.lease.as_mut().filter(|lease| !lease.is_over(now_ms)) else {
            return Ok(None);
        };
        let spent = lease.count_call();
        Ok(spent.then(|| self.end_lease(Reason::LeaseCalls)).flatten())
    }

    /// Applies the end of a goal that the peer took part in. A lease until that goal ends; otherwise a tier above KNOWN is
    /// lowered by one step.
    pub fn goal_completed(&mut self, now_ms: i64) -> Option<TierChange> {
        if self.live_lease(now_ms).is_some_and(|lease| lease.until_goal) {
            return self.end_lease(Reason::LeaseGoal);
        }
        let before = self.tier_at(now_ms);
        (before > Tier::Known).then(|| self.lower_to(before.down(), now_ms, Reason::Goal)).flatten()
    }

    /// Counts a call to the peer that failed by its fault.
    pub fn provider_failed(&mut self, now_ms: i64) -> Option<TierChange> {
        let due = self.as_provider.count();
        self.punish(due, now_ms, Reason::ProviderRow, Reason::ProviderAll)
    }

    pub fn provider_succeeded(&mut self) {
        self.as_provider.in_row = 0;
    }

    /// Counts a request that an honest caller of its tier does not make.
    pub fn caller_misbehaved(&mut self, misdeed: Misdeed, now_ms: i64) -> Option<TierChange> {
        let due = self.as_caller.count();
        self.punish(due, now_ms, Reason::CallerRow(misdeed), Reason::CallerAll(misdeed))
    }

    /// Counts a call that passed every gate. The skill's result is not the peer's doing.
    pub fn caller_behaved(&mut self) {
        self.as_caller.in_row = 0;
    }

    /// Applies an invite. It never lowers the tier, and has no effect for a peer that the owner or its own conduct set to
    /// UNTRUSTED. Faults stay counted.
    pub fn invited(&mut self, grant: &InviteGrant, now_ms: i64) -> Result<Option<TierChange>, TokenRefusal> {
        let before = self.tier_at(now_ms);
        if self.shut {
            return Err(TokenRefusal::Shut);
        }
        if before >= grant.tier() {
            return Ok(None);
        }
        if grant.terms().is_endless() {
            (self.tier, self.lease) = (grant.tier(), None);
        } else {
            self.lease = Some(Lease::new(grant.tier(), grant.terms(), now_ms));
        }
        Ok(TierChange::between(before, grant.tier(), Reason::Invite))
    }

    fn live_lease(&self, now_ms: i64) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| !lease.is_over(now_ms))
    }

    fn end_lease(&mut self, reason: Reason) -> Option<TierChange> {
        let before = self.lease.take()?.tier;
        TierChange::between(before, self.tier, reason)
    }

    fn punish(&mut self, due: Due, now_ms: i64, row: Reason, all: Reason) -> Option<TierChange> {
        match due {
            Due::Nothing => None,
            Due::Step => self.lower_to(self.tier_at(now_ms).down(), now_ms, row),
            Due::All => self.lower_to(Tier::Untrusted, now_ms, all),
        }
    }

    /// Lowers the tier below a lease as well, so that the end of the lease does not raise the peer again.
    fn lower_to(&mut self, tier: Tier, now_ms: i64, reason: Reason) -> Option<TierChange> {
        let before = self.tier_at(now_ms);
        self.lease =
            self.live_lease(now_ms).cloned().map(|lease| Lease { tier: lease.tier.min(tier), ..lease });
        self.tier = self.tier.min(tier);
        self.lease = self.lease.take().filter(|lease| lease.tier > self.tier);
        self.shut |= tier == Tier::Untrusted && reason.is_conduct();
        TierChange::between(before, tier.min(before), reason)
    }
}

/// The consequence of a fault.
#[derive(Clone, Copy)]
enum Due {
    Nothing,
    Step,
    All,
}

impl Faults {
    fn count(&mut self) -> Due {
        self.in_row = self.in_row.saturating_add(1);
        self.total = self.total.saturating_add(1);
        if self.total >= FAULTS_IN_ALL {
            return Due::All;
        }
        if self.in_row < FAULTS_IN_ROW {
            return Due::Nothing;
        }
        self.in_row = 0;
        Due::Step
    }
}

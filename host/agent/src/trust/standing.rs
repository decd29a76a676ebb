//! Changes of the trust in a peer: by the owner, by time and use, and by the peer's conduct.
//!
//! Each change is part of one transaction: the trust itself, its line in the trust log and its row in the audit
//! log. Once that is on disk, memory follows, and if the change takes something away, the peer's running calls
//! are stopped.

use coworker_policy::gate::Caller;
use coworker_policy::trust::{
    InviteGrant, InviteToken, Misdeed, Reason, Spent, TierChange, TokenRefusal, Trust, is_provider_fault,
};
use coworker_policy::{ErrorCode, PeerId, Tier};
use coworker_store::TrustRow;

use crate::state::{JobError, StateError, Transaction, audit};
use crate::trust::book::TrustBook;

/// The owner's decision about a peer.
pub(crate) struct Decided {
    /// `None` takes the decision before this one back.
    pub(crate) trust: Option<Trust>,
    pub(crate) reason: Reason,
    /// For the trust log, in the owner's words.
    pub(crate) note: String,
    /// The reason as the list of decisions shows it.
    pub(crate) why: String,
}

impl TrustBook {
    /// Reads the stored trust into memory. Leases that ended while the agent was down end first.
    pub(crate) async fn restore(&self) -> Result<(), StateError> {
        let book = self.clone();
        let restore = move |tx: &mut Transaction<'_>| {
            book.end_leases(tx)?;
            for TrustRow { peer, trust, .. } in tx.store.trust_rows()? {
                book.tiers.set(peer, Some(trust));
            }
            Ok(())
        };
        self.state.run(restore).await
    }

    /// Writes the owner's decision down, then puts it in force; `decide` makes it from the present trust.
    /// Returns the tiers before and after.
    pub(crate) fn decided(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        decide: impl FnOnce(&Trust, i64) -> Decided,
    ) -> Result<(Tier, Tier), StateError> {
        self.end_leases(tx)?;
        let before = tx.store.trust(peer)?.map_or_else(Trust::default, |standing| standing.trust);
        let Decided { trust, reason, note, why } = decide(&before, tx.now);
        let tier = |trust: &Trust| trust.tier_at(tx.now);
        let (from, to) = (tier(&before), trust.as_ref().map(tier).unwrap_or_default());
        match trust {
            Some(trust) => {
                tx.store.decide_trust(&TrustRow { peer, trust, reason: why.clone(), at_ms: tx.now })?;
            }
            None => drop(tx.store.remove_tier(peer)?),
        }
        // Logged even if the tier stays: a lease that begins or is renewed is a change.
        let change = TierChange { from, to, reason };
        tx.store.log_trust(peer, &change, &note, tx.now)?;
        audit::trust_set(tx, peer, from, to, &why)?;
        self.put_in_force(tx, peer, change.stops_running())?;
        Ok((from, to))
    }

    /// Counts a call of the peer, judged at `tier`, that is about to run.
    pub(crate) fn call_counted(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        tier: Tier,
    ) -> Result<(), JobError<Spent>> {
        let now = tx.now;
        let count = |trust: &mut Trust| match trust.call_counted(tier, now) {
            Ok(change) => {
                trust.caller_behaved();
                (Ok(()), change)
            }
            Err(spent) => (Err(spent), None),
        };
        // Without a decision of the owner there is no lease to use up.
        let stranger = || if tier > Tier::Untrusted { Err(Spent) } else { Ok(()) };
        self.amend(tx, peer, count)?.unwrap_or_else(stranger).map_err(JobError::Refused)
    }

    /// Counts a request of the peer that an honest caller does not make.
    pub(crate) fn misbehaved(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        misdeed: Misdeed,
    ) -> Result<(), StateError> {
        let now = tx.now;
        let judge = |trust: &mut Trust| {
            // A peer that was shut out has nothing to lose; its further requests must not cost rows.
            let shut = trust.is_shut() && trust.tier_at(now) == Tier::Untrusted;
            ((), if shut { None } else { trust.caller_misbehaved(misdeed, now) })
        };
        self.amend(tx, peer, judge).map(drop)
    }

    /// Counts the end of a call that we made of the peer: its success, or its error.
    pub(crate) fn answered(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        error: Option<ErrorCode>,
    ) -> Result<(), StateError> {
        let now = tx.now;
        let judge = |trust: &mut Trust| match error {
            None => {
                trust.provider_succeeded();
                ((), None)
            }
            Some(code) if is_provider_fault(code) => ((), trust.provider_failed(now)),
            Some(_) => ((), None),
        };
        self.amend(tx, peer, judge).map(drop)
    }

    /// Ends goal-bound trust in the peer. Must be called once for each goal that we and the peer worked on.
    pub(crate) fn goal_ended(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        note: &str,
    ) -> Result<(), StateError> {
        let now = tx.now;
        self.amend_noting(tx, peer, note, |trust| ((), trust.goal_completed(now))).map(drop)
    }

    /// Redeems the secret of an invite that the peer brought. `Some` is the tier that the peer may be told.
    ///
    /// A peer that brings the same secret again, because the first answer was lost, gets the same answer. All
    /// refusals look alike.
    pub(crate) fn redeemed(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        token: &InviteToken,
    ) -> Result<Option<Tier>, StateError> {
        self.end_leases(tx)?;
        let refusal = match tx.store.redeem_invite(token, peer, tx.now)? {
            Ok(Some(change)) => {
                audit::trust_changed(tx, peer, change)?;
                self.put_in_force(tx, peer, change.stops_running())?;
                return Ok(Some(change.to));
            }
            Ok(None) => None,
            Err(refusal) => Some(refusal),
        };
        let trust = tx.store.trust(peer)?.map_or_else(Trust::default, |standing| standing.trust);
        let tier = trust.tier_at(tx.now).min(InviteGrant::MAX);
        match refusal {
            None | Some(TokenRefusal::UsedBefore) if tier > Tier::Untrusted => Ok(Some(tier)),
            refusal => {
                if let Some(refusal) = refusal.filter(|_| tx.may_note(peer)) {
                    audit::invite_refused(tx, peer, refusal)?;
                }
                Ok(None)
            }
        }
    }

    /// Changes the trust in a peer that the owner decided about. Returns `None` for any other peer, and changes
    /// nothing: anybody may dial, and the conduct of strangers is not kept.
    fn amend<T>(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        change: impl FnOnce(&mut Trust) -> (T, Option<TierChange>),
    ) -> Result<Option<T>, StateError> {
        self.amend_noting(tx, peer, "", change)
    }

    /// Does the same and puts `note` beside the change in the trust log.
    fn amend_noting<T>(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        note: &str,
        change: impl FnOnce(&mut Trust) -> (T, Option<TierChange>),
    ) -> Result<Option<T>, StateError> {
        let Some(TrustRow { mut trust, .. }) = tx.store.trust(peer)? else { return Ok(None) };
        let before = trust.clone();
        let ended = trust.expire(tx.now);
        let (told, changed) = change(&mut trust);
        if trust == before {
            return Ok(Some(told));
        }
        tx.store.keep_trust(peer, &trust)?;
        let mut stops = false;
        for change in ended.into_iter().chain(changed) {
            tx.store.log_trust(peer, &change, note, tx.now)?;
            audit::trust_changed(tx, peer, change)?;
            stops |= change.stops_running();
        }
        self.put_in_force(tx, peer, stops)?;
        Ok(Some(told))
    }

    /// Updates memory before it stops calls: a call that is entered meanwhile either meets the new trust at the
    /// gates or is found here.
    pub(super) fn put_in_force(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        stops_running: bool,
    ) -> Result<(), StateError> {
        let trust = tx.store.trust(peer)?.map(|standing| standing.trust);
        let book = self.clone();
        tx.once_committed(move || {
            book.tiers.set(peer, trust);
            if stops_running {
                book.running.revoke_caller(Caller::Peer(peer));
            }
            book.changed.send_replace(());
        });
        Ok(())
    }
}

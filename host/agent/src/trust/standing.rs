//! What we think of peers, changed: by the owner, by time and use, and by what they do.
//!
//! Each change is one desk job: the trust itself, its line in the trust log and its row in the audit log. Once
//! that is on disk, memory has it, and if it takes something away, calls of the peer that run now are stopped.

use std::time::Duration;

use coworker_policy::gate::Caller;
use coworker_policy::trust::{
    InviteGrant, InviteToken, Misdeed, Reason, Spent, TierChange, TokenRefusal, Trust,
};
use coworker_policy::{ErrorCode, PeerId, Tier};
use coworker_store::Standing;

use crate::agent::Agent;
use crate::base::clock::now_ms;
use crate::state::audit;
use crate::state::{StateError, Transaction};

/// The watch looks at the clock at least this often: a machine that slept, or whose clock was set, has
/// another time than a sleep expects.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// What the owner decides about a peer.
pub(crate) struct Decided {
    /// `None` takes the decision of before back.
    pub(crate) trust: Option<Trust>,
    pub(crate) reason: Reason,
    /// For the trust log, in the owner's words.
    pub(crate) note: String,
    /// Why, as the list of decisions has it.
    pub(crate) why: String,
}

/// Reads what is kept into memory. Leases that ended while the agent was down end first.
pub(crate) async fn restore(agent: &Agent) -> Result<(), StateError> {
    let shared = agent.clone();
    let restore = move |tx: &mut Transaction<'_>| {
        end_leases(&shared, tx)?;
        for Standing { peer, trust, .. } in tx.store.standings()? {
            shared.trust.set(peer, Some(trust));
        }
        Ok(())
    };
    agent.state.run(restore).await
}

/// Ends leases at their time, until the agent stops.
pub(crate) async fn watch_leases(agent: Agent) {
    loop {
        let shared = agent.clone();
        let end = move |tx: &mut Transaction<'_>| {
            end_leases(&shared, tx)?;
            Ok(tx.store.next_lease_end()?)
        };
        let next = match agent.state.run(end).await {
            Ok(next) => next,
            Err(StateError::Stopping) => return,
            Err(error) => {
                tracing::error!(%error, "cannot end the leases that are over; they give nothing all the same");
                Some(now_ms() + 1_000)
            }
        };
        let next_is_due = async {
            match next {
                Some(end_ms) => {
                    let left = u64::try_from(end_ms.saturating_sub(now_ms())).unwrap_or_default();
                    tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = next_is_due => {}
            () = agent.trust.ends_moved() => {}
            () = agent.stop.cancelled() => return,
        }
    }
}

/// Ends the leases whose time is over.
fn end_leases(agent: &Agent, tx: &mut Transaction<'_>) -> Result<(), StateError> {
    for (peer, change) in tx.store.end_leases(tx.now)? {
        audit::trust_changed(tx, peer, change)?;
        put_in_force(agent, tx, peer, change.stops_running())?;
    }
    Ok(())
}

/// Writes the owner's decision down, then puts it in force; `decide` makes it of the trust that there is.
/// Returns the tier before.
pub(crate) fn decided(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    decide: impl FnOnce(&Trust, i64) -> Decided,
) -> Result<(Tier, Tier), StateError> {
    end_leases(agent, tx)?;
    let before = tx.store.standing(peer)?.map_or_else(Trust::default, |standing| standing.trust);
    let Decided { trust, reason, note, why } = decide(&before, tx.now);
    let tier = |trust: &Trust| trust.tier_at(tx.now);
    let (from, to) = (tier(&before), trust.as_ref().map(tier).unwrap_or_default());
    match trust {
        Some(trust) => {
            tx.store.decide_trust(&Standing { peer, trust, reason: why.clone(), at_ms: tx.now })?;
        }
        None => drop(tx.store.remove_tier(peer)?),
    }
    // Also where the tier stays: that a lease begins or is given anew is a change.
    let change = TierChange { from, to, reason };
    tx.store.log_trust(peer, &change, &note, tx.now)?;
    audit::trust_set(tx, peer, from, to, &why)?;
    put_in_force(agent, tx, peer, change.stops_running())?;
    Ok((from, to))
}

/// A call of the peer, judged at `tier`, is about to run.
pub(crate) fn call_counted(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    tier: Tier,
) -> Result<Result<(), Spent>, StateError> {
    let now = tx.now;
    let count = |trust: &mut Trust| match trust.call_counted(tier, now) {
        Ok(change) => {
            trust.caller_behaved();
            (Ok(()), change)
        }
        Err(spent) => (Err(spent), None),
    };
    // Whom the owner did not decide about has nothing that could be spent.
    let stranger = || if tier > Tier::Untrusted { Err(Spent) } else { Ok(()) };
    Ok(amend(agent, tx, peer, count)?.unwrap_or_else(stranger))
}

/// The peer asked for something that an honest caller does not ask for.
pub(crate) fn misbehaved(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    misdeed: Misdeed,
) -> Result<(), StateError> {
    let now = tx.now;
    let judge = |trust: &mut Trust| {
        // Who was shut out has nothing to lose; what it goes on asking costs no row.
        let shut = trust.is_shut() && trust.tier_at(now) == Tier::Untrusted;
        ((), if shut { None } else { trust.caller_misbehaved(misdeed, now) })
    };
    amend(agent, tx, peer, judge).map(drop)
}

/// A call that we made of the peer ended there: well, or with an error.
pub(crate) fn answered(
    agent: &Agent,
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
        Some(code) if is_providers_fault(code) => ((), trust.provider_failed(now)),
        Some(_) => ((), None),
    };
    amend(agent, tx, peer, judge).map(drop)
}

/// What went wrong at the provider for sure. The rest may be our doing: what we asked for, how much, how
/// soon; and who cannot be reached may have closed the lid.
fn is_providers_fault(code: ErrorCode) -> bool {
    match code {
        ErrorCode::SkillFailed | ErrorCode::InvalidOutput | ErrorCode::Internal => true,
        ErrorCode::UnknownSkill
        | ErrorCode::VersionMismatch
        | ErrorCode::InvalidInput
        | ErrorCode::LimitExceeded
        | ErrorCode::Deadline
        | ErrorCode::Expired
        | ErrorCode::Cancelled
        | ErrorCode::Withheld
        | ErrorCode::TrustTierTooLow
        | ErrorCode::PeerUnreachable
        | ErrorCode::NotConnected
        | ErrorCode::BadInvite
        | ErrorCode::BadComponent
        | ErrorCode::InUse
        | ErrorCode::Usage => false,
    }
}

/// A goal that we and the peer worked on has ended. To be called once for each.
pub(crate) fn goal_ended(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    note: &str,
) -> Result<(), StateError> {
    let now = tx.now;
    amend_noting(agent, tx, peer, note, |trust| ((), trust.goal_completed(now))).map(drop)
}

/// The peer brought the secret of an invite. `Some` is what it may know that we think of it now.
///
/// Who brings the same once more, because the first answer was lost, hears the same. All refusals are one.
pub(crate) fn redeemed(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    token: &InviteToken,
) -> Result<Option<Tier>, StateError> {
    end_leases(agent, tx)?;
    let refusal = match tx.store.redeem_invite(token, peer, tx.now)? {
        Ok(Some(change)) => {
            audit::trust_changed(tx, peer, change)?;
            put_in_force(agent, tx, peer, change.stops_running())?;
            return Ok(Some(change.to));
        }
        Ok(None) => None,
        Err(refusal) => Some(refusal),
    };
    let trust = tx.store.standing(peer)?.map_or_else(Trust::default, |standing| standing.trust);
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

/// Changes the trust in a peer that the owner decided about. `None`, and nothing happens, for all others:
/// anybody may dial, and what strangers do is not kept.
fn amend<T>(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    change: impl FnOnce(&mut Trust) -> (T, Option<TierChange>),
) -> Result<Option<T>, StateError> {
    amend_noting(agent, tx, peer, "", change)
}

/// The same; the trust log has `note` beside what changes.
fn amend_noting<T>(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    note: &str,
    change: impl FnOnce(&mut Trust) -> (T, Option<TierChange>),
) -> Result<Option<T>, StateError> {
    let Some(Standing { mut trust, .. }) = tx.store.standing(peer)? else { return Ok(None) };
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
    put_in_force(agent, tx, peer, stops)?;
    Ok(Some(told))
}

/// First memory has the change, then calls are stopped: one that is entered meanwhile either meets the new
/// trust at the gates or is found here.
fn put_in_force(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    stops_running: bool,
) -> Result<(), StateError> {
    let trust = tx.store.standing(peer)?.map(|standing| standing.trust);
    let agent = agent.clone();
    tx.once_committed(move || {
        agent.trust.set(peer, trust);
        if stops_running {
            agent.running.revoke_caller(Caller::Peer(peer));
        }
        agent.direct.wake();
    });
    Ok(())
}

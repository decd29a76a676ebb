//! Our part in goals of peers: proposals and the owner's answers.

use std::collections::BTreeMap;

use coworker_channel::PlanNews;
use coworker_plan::CheckedOffer;
use coworker_policy::trust::Misdeed;
use coworker_policy::{ErrorCode, PeerId, RequestId, Tier, gate};
use coworker_store::{GoalShare, GoalShareState};

use super::ending::end_overdue;
use super::limits::{MAX_A_DAY, MAX_OPEN, OPEN_MS};
use super::messages::tell;
use super::offer_text::{read, written};
use super::ours::Goals;
use crate::base::time::DAY_MS;
use crate::state::{StateError, Transaction, audit};
use coworker_api::ops::Why;

/// The reason why a proposal is refused without asking the owner.
enum No {
    /// The offer is not valid.
    Malformed,
    TooMany,
    /// Covers skills that are hidden, need a higher tier, or do not exist: the peer must not tell them apart.
    UnknownSkill,
    Version,
}

impl No {
    fn why(&self) -> Why {
        match self {
            Self::Malformed => Why::new(ErrorCode::InvalidInput, "the offer is not valid"),
            Self::TooMany => Why::new(ErrorCode::LimitExceeded, "too many goals are open"),
            Self::UnknownSkill => Why::new(ErrorCode::UnknownSkill, "unknown skill"),
            Self::Version => Why::new(ErrorCode::VersionMismatch, "the skill is not there in this version"),
        }
    }

    fn misdeed(&self) -> Option<Misdeed> {
        match self {
            Self::Malformed => Some(Misdeed::Malformed),
            Self::TooMany => Some(Misdeed::OverQuota),
            Self::UnknownSkill => Some(Misdeed::Refused),
            Self::Version => None,
        }
    }
}

/// Takes a proposal. The same proposal again gets the same answer and has no other effect.
pub(super) fn proposed(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    goal: RequestId,
    offer: &str,
) -> Result<(), StateError> {
    end_overdue(goals, tx)?;
    // The parsed offer is kept, not the text: a peer's spaces and unknown keys are dropped.
    let offer = read(offer).and_then(|offer| Some((written(&offer)?, offer)));
    if let Some(share) = tx.store.goal_share(from, goal)? {
        return again(tx, from, goal, &share, offer.as_ref().map(|(text, _)| text.as_str()));
    }
    let tier = goals.trust.tier(from);
    let judged = match offer {
        None => Err(No::Malformed),
        Some((text, offer)) => judge(goals, tx, from, tier, &offer)?.map(|()| text),
    };
    let offer = match judged {
        Ok(offer) => offer,
        Err(no) => return turn_down(goals, tx, from, goal, &no),
    };
    let accepts = goals.core.config.goals.accepts(tier);
    let state = if accepts { GoalShareState::Accepted } else { GoalShareState::Asked };
    tx.store.add_goal_share(&GoalShare {
        peer: from,
        goal,
        proposal: id,
        offer,
        state,
        at_ms: tx.now,
        expires_ms: tx.now + OPEN_MS,
        done_ms: None,
    })?;
    tx.store.prune_goal_shares_of(from, MAX_A_DAY)?;
    audit::goal(tx, if accepts { "goal_accepted" } else { "goal_proposed" }, Some(from), goal, "")?;
    goals.news.wake(tx);
    if accepts { tell(tx, from, goal, PlanNews::Accept) } else { Ok(()) }
}

fn turn_down(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    no: &No,
) -> Result<(), StateError> {
    if tx.may_note(from) {
        audit::goal(tx, "goal_refused", Some(from), goal, &no.why().to_text())?;
    }
    if let Some(misdeed) = no.misdeed() {
        goals.trust.misbehaved(tx, from, misdeed)?;
    }
    let Why { code, message } = no.why();
    tell(tx, from, goal, PlanNews::Reject { code, message })
}

fn again(
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    share: &GoalShare,
    offer: Option<&str>,
) -> Result<(), StateError> {
    let no = |code, message| {
        let Why { code, message } = Why::new(code, message);
        Some(PlanNews::Reject { code, message })
    };
    let answer = match share.state {
        // One name stands for one offer: an accepted offer cannot be changed afterwards.
        _ if offer != Some(&share.offer) => no(ErrorCode::InvalidInput, "the offer is not valid"),
        GoalShareState::Asked => None,
        GoalShareState::Accepted => Some(PlanNews::Accept),
        GoalShareState::Denied => no(ErrorCode::Cancelled, DENIED),
        _ => no(ErrorCode::Expired, "the goal has ended"),
    };
    answer.map_or(Ok(()), |answer| tell(tx, from, goal, answer))
}

const DENIED: &str = "the agent's owner said no";

/// Looks up every skill even after one fails, so that a refusal takes the same work, and is the same, wherever in the
/// offer its reason stands.
fn judge(
    goals: &Goals,
    tx: &Transaction<'_>,
    from: PeerId,
    tier: Tier,
    offer: &CheckedOffer,
) -> Result<Result<(), No>, StateError> {
    let lately = tx.store.goal_shares_of_since(from, tx.now - DAY_MS)?;
    if tx.store.open_goal_shares_of(from)? >= MAX_OPEN || lately >= MAX_A_DAY {
        return Ok(Err(No::TooMany));
    }
    let snapshot = goals.catalog.snapshot();
    let visible: BTreeMap<_, _> =
        gate::cards(snapshot.skills(), tier).into_iter().map(|card| (&card.name, &card.version)).collect();
    let (mut unknown, mut mismatched) = (false, false);
    for step in &offer.offer().steps {
        match visible.get(&step.skill) {
            None => unknown = true,
            Some(version) => {
                mismatched |= step.version.as_ref().is_some_and(|pin| !pin.takes(version));
            }
        }
    }
    Ok(match (unknown, mismatched) {
        (true, _) => Err(No::UnknownSkill),
        (false, true) => Err(No::Version),
        (false, false) => Ok(()),
    })
}

/// The owner's answer to a goal that waits for it. Returns false if none waits.
pub(crate) fn answer(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    goal: RequestId,
    yes: bool,
) -> Result<bool, StateError> {
    let waits = tx.store.goal_share(peer, goal)?.is_some_and(|share| share.state == GoalShareState::Asked);
    if !waits {
        return Ok(false);
    }
    let (state, done, news, event) = if yes {
        (GoalShareState::Accepted, None, PlanNews::Accept, "goal_accepted")
    } else {
        let Why { code, message } = Why::new(ErrorCode::Cancelled, DENIED);
        (GoalShareState::Denied, Some(tx.now), PlanNews::Reject { code, message }, "goal_denied")
    };
    tx.store.move_goal_share(peer, goal, state, done)?;
    audit::goal(tx, event, Some(peer), goal, "")?;
    goals.news.wake(tx);
    tell(tx, peer, goal, news)?;
    Ok(true)
}

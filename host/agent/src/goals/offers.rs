//! Our part in goals of peers: what is proposed, what the owner says, and the end.

use std::collections::BTreeMap;

use coworker_channel::{GoalOutcome, PlanNews};
use coworker_plan::{CheckedOffer, Offer, Plan};
use coworker_policy::trust::Misdeed;
use coworker_policy::{ErrorCode, PeerId, RequestId, Tier, gate};
use coworker_store::{GoalShare, GoalShareState};

use super::{DAY_MS, MAX_A_DAY, MAX_OPEN, OPEN_MS, Why, end_overdue, tell, wake};
use crate::agent::Agent;
use crate::state::audit;
use crate::state::{StateError, Transaction};
use crate::trust::standing;

/// Why a proposal is turned down without asking the owner.
enum No {
    /// It is no offer.
    Malformed,
    TooMany,
    /// Hidden, for a higher tier, another agent's, never heard of: all are this.
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

/// A peer asks us to take part in its goal. The same again gets the same answer and has no other effect.
pub(super) fn proposed(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    goal: RequestId,
    offer: &str,
) -> Result<(), StateError> {
    end_overdue(agent, tx)?;
    // What is kept of it is what was understood: a peer's spaces and unknown keys are not.
    let offer = read(offer).and_then(|offer| Some((written(&offer)?, offer)));
    if let Some(share) = tx.store.goal_share(from, goal)? {
        return again(tx, from, goal, &share, offer.as_ref().map(|(text, _)| text.as_str()));
    }
    let tier = agent.trust.tier(from);
    let judged = match offer {
        None => Err(No::Malformed),
        Some((text, offer)) => judge(agent, tx, from, tier, &offer)?.map(|()| text),
    };
    let offer = match judged {
        Ok(offer) => offer,
        Err(no) => return turn_down(agent, tx, from, goal, &no),
    };
    let accepts = agent.config.goals.accepts(tier);
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
    wake(agent, tx);
    if accepts { tell(tx, from, goal, PlanNews::Accept) } else { Ok(()) }
}

fn turn_down(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    no: &No,
) -> Result<(), StateError> {
    if tx.may_note(from) {
        audit::goal(tx, "goal_refused", Some(from), goal, &no.why().to_text())?;
    }
    if let Some(misdeed) = no.misdeed() {
        standing::misbehaved(agent, tx, from, misdeed)?;
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
        // One name, one offer: what was accepted cannot be changed afterwards.
        _ if offer != Some(&share.offer) => no(ErrorCode::InvalidInput, "the offer is not valid"),
        GoalShareState::Asked => None,
        GoalShareState::Accepted => Some(PlanNews::Accept),
        GoalShareState::Denied => no(ErrorCode::Cancelled, DENIED),
        _ => no(ErrorCode::Expired, "the goal has ended"),
    };
    answer.map_or(Ok(()), |answer| tell(tx, from, goal, answer))
}

const DENIED: &str = "the agent's owner said no";

/// Every skill is looked up, whichever fails: a refusal takes the same work, and is the same, wherever in the
/// offer its reason stands.
fn judge(
    agent: &Agent,
    tx: &Transaction<'_>,
    from: PeerId,
    tier: Tier,
    offer: &CheckedOffer,
) -> Result<Result<(), No>, StateError> {
    let lately = tx.store.goal_shares_of_since(from, tx.now - DAY_MS)?;
    if tx.store.open_goal_shares_of(from)? >= MAX_OPEN || lately >= MAX_A_DAY {
        return Ok(Err(No::TooMany));
    }
    let snapshot = agent.catalog.snapshot();
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

/// An offer as it came or was kept; `None` if it is none.
pub(crate) fn read(offer: &str) -> Option<CheckedOffer> {
    serde_json::from_str::<Offer>(offer).ok()?.check(Plan::STEPS).ok()
}

fn written(offer: &CheckedOffer) -> Option<String> {
    serde_json::to_string(offer.offer()).ok()
}

/// The owner's word on a goal that waits for it. False if none waits.
pub(crate) fn answer(
    agent: &Agent,
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
    wake(agent, tx);
    tell(tx, peer, goal, news)?;
    Ok(true)
}

/// The peer says that its goal has ended.
pub(super) fn completed(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    goal: RequestId,
    outcome: GoalOutcome,
) -> Result<(), StateError> {
    let state = match outcome {
        GoalOutcome::Done => GoalShareState::Done,
        GoalOutcome::Failed => GoalShareState::Failed,
        GoalOutcome::Cancelled => GoalShareState::Cancelled,
    };
    let share = tx.store.goal_share(from, goal)?;
    share.map_or(Ok(()), |share| decide_share(agent, tx, &share, state))
}

/// Ends our part in a goal. Only one that was accepted counts for what we think of the peer, and once.
pub(crate) fn decide_share(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    share: &GoalShare,
    state: GoalShareState,
) -> Result<(), StateError> {
    if !tx.store.move_goal_share(share.peer, share.goal, state, Some(tx.now))? {
        return Ok(());
    }
    let goal = share.goal;
    audit::goal(tx, "goal_ended", Some(share.peer), goal, state.name())?;
    wake(agent, tx);
    if share.state != GoalShareState::Accepted {
        return Ok(());
    }
    let objective = read(&share.offer).map(|offer| offer.offer().objective.to_string()).unwrap_or_default();
    standing::goal_ended(agent, tx, share.peer, &super::telling::note(goal, &objective))
}

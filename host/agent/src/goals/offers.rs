//! Our part in goals of peers: what is proposed, what the owner says, and the end.

use std::collections::BTreeMap;

use coworker_channel::{GoalOutcome, PlanNews, RequestId};
use coworker_plan::{CheckedOffer, Offer, Plan};
use coworker_policy::trust::Misdeed;
use coworker_policy::{ErrorCode, PeerId, Tier, gate};
use coworker_store::{GoalShare, GoalShareState};

use super::{DAY_MS, MAX_A_DAY, MAX_OPEN, OPEN_MS, Why, end_overdue, tell, wake};
use crate::agent::Agent;
use crate::audit;
use crate::desk::{DeskError, Work};
use crate::standing;

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
    work: &mut Work<'_>,
    from: PeerId,
    id: RequestId,
    goal: RequestId,
    offer: &str,
) -> Result<(), DeskError> {
    end_overdue(agent, work)?;
    // What is kept of it is what was understood: a peer's spaces and unknown keys are not.
    let offer = read(offer).and_then(|offer| Some((written(&offer)?, offer)));
    if let Some(share) = work.tx.goal_share(from, &goal.to_string())? {
        return again(work, from, goal, &share, offer.as_ref().map(|(text, _)| text.as_str()));
    }
    let tier = agent.trust.tier(from);
    let judged = match offer {
        None => Err(No::Malformed),
        Some((text, offer)) => judge(agent, work, from, tier, &offer)?.map(|()| text),
    };
    let offer = match judged {
        Ok(offer) => offer,
        Err(no) => return turn_down(agent, work, from, goal, &no),
    };
    let accepts = agent.config.goals.accepts(tier);
    let state = if accepts { GoalShareState::Accepted } else { GoalShareState::Asked };
    work.tx.add_goal_share(&GoalShare {
        peer: from,
        goal: goal.to_string(),
        proposal: id.to_string(),
        offer,
        state,
        at_ms: work.now,
        expires_ms: work.now + OPEN_MS,
        done_ms: None,
    })?;
    work.tx.prune_goal_shares_of(from, MAX_A_DAY)?;
    audit::goal(work, if accepts { "goal_accepted" } else { "goal_proposed" }, Some(from), goal, "")?;
    wake(agent, work);
    if accepts { tell(work, from, goal, PlanNews::Accept) } else { Ok(()) }
}

fn turn_down(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
    no: &No,
) -> Result<(), DeskError> {
    if work.may_note(from) {
        audit::goal(work, "goal_refused", Some(from), goal, &no.why().to_text())?;
    }
    if let Some(misdeed) = no.misdeed() {
        standing::misbehaved(agent, work, from, misdeed)?;
    }
    let Why { code, message } = no.why();
    tell(work, from, goal, PlanNews::Reject { code, message })
}

fn again(
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
    share: &GoalShare,
    offer: Option<&str>,
) -> Result<(), DeskError> {
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
    answer.map_or(Ok(()), |answer| tell(work, from, goal, answer))
}

const DENIED: &str = "the agent's owner said no";

/// Every skill is looked up, whichever fails: a refusal takes the same work, and is the same, wherever in the
/// offer its reason stands.
fn judge(
    agent: &Agent,
    work: &Work<'_>,
    from: PeerId,
    tier: Tier,
    offer: &CheckedOffer,
) -> Result<Result<(), No>, DeskError> {
    let lately = work.tx.goal_shares_of_since(from, work.now - DAY_MS)?;
    if work.tx.open_goal_shares_of(from)? >= MAX_OPEN || lately >= MAX_A_DAY {
        return Ok(Err(No::TooMany));
    }
    let shelf = agent.catalog.shelf();
    let visible: BTreeMap<_, _> =
        gate::cards(shelf.skills(), tier).into_iter().map(|card| (&card.name, &card.version)).collect();
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
    work: &mut Work<'_>,
    peer: PeerId,
    goal: RequestId,
    yes: bool,
) -> Result<bool, DeskError> {
    let tag = goal.to_string();
    let waits = work.tx.goal_share(peer, &tag)?.is_some_and(|share| share.state == GoalShareState::Asked);
    if !waits {
        return Ok(false);
    }
    let (state, done, news, event) = if yes {
        (GoalShareState::Accepted, None, PlanNews::Accept, "goal_accepted")
    } else {
        let Why { code, message } = Why::new(ErrorCode::Cancelled, DENIED);
        (GoalShareState::Denied, Some(work.now), PlanNews::Reject { code, message }, "goal_denied")
    };
    work.tx.move_goal_share(peer, &tag, state, done)?;
    audit::goal(work, event, Some(peer), goal, "")?;
    wake(agent, work);
    tell(work, peer, goal, news)?;
    Ok(true)
}

/// The peer says that its goal has ended.
pub(super) fn completed(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    goal: RequestId,
    outcome: GoalOutcome,
) -> Result<(), DeskError> {
    let state = match outcome {
        GoalOutcome::Done => GoalShareState::Done,
        GoalOutcome::Failed => GoalShareState::Failed,
        GoalOutcome::Cancelled => GoalShareState::Cancelled,
    };
    let share = work.tx.goal_share(from, &goal.to_string())?;
    share.map_or(Ok(()), |share| decide_share(agent, work, &share, state))
}

/// Ends our part in a goal. Only one that was accepted counts for what we think of the peer, and once.
pub(crate) fn decide_share(
    agent: &Agent,
    work: &mut Work<'_>,
    share: &GoalShare,
    state: GoalShareState,
) -> Result<(), DeskError> {
    if !work.tx.move_goal_share(share.peer, &share.goal, state, Some(work.now))? {
        return Ok(());
    }
    let Ok(goal) = share.goal.parse::<RequestId>() else { return Ok(()) };
    audit::goal(work, "goal_ended", Some(share.peer), goal, state.name())?;
    wake(agent, work);
    if share.state != GoalShareState::Accepted {
        return Ok(());
    }
    let objective = read(&share.offer).map(|offer| offer.offer().objective.to_string()).unwrap_or_default();
    standing::goal_ended(agent, work, share.peer, &super::telling::note(goal, &objective))
}

//! Steps of peers' goals that we served.

use coworker_channel::{KeyResultCount, PartOf, PlanNews};
use coworker_plan::Offer;
use coworker_policy::{PeerId, RequestId};
use coworker_store::{GoalShareState, ServedStep};

use super::{offers, tell, wake};
use crate::agent::Agent;
use crate::state::{StateError, Transaction};

/// A task of `peer` ended well. If it is a step that we accepted, it counts, and the peer is told how far we are;
/// what the task says of itself counts for nothing else.
pub(crate) fn step_served(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    task: RequestId,
    skill: &str,
    part_of: Option<&str>,
) -> Result<(), StateError> {
    let Some(tag) = part_of.and_then(|text| PartOf::from_text(text).ok()?.goal) else { return Ok(()) };
    let share = tx.store.goal_share(peer, tag.goal)?.filter(|share| share.state == GoalShareState::Accepted);
    let Some(offer) = share.and_then(|share| offers::read(&share.offer)) else { return Ok(()) };
    if offer.step(&tag.step).is_none_or(|step| step.skill.as_str() != skill) {
        return Ok(());
    }
    let served = ServedStep { step: tag.step.to_string(), request: task, at_ms: tx.now };
    if !tx.store.add_served_step(peer, tag.goal, &served)? {
        return Ok(());
    }
    wake(agent, tx);
    let key_results = counts(offer.offer(), &tx.store.served_steps(peer, tag.goal)?);
    tell(tx, peer, tag.goal, PlanNews::Progress { key_results })
}

/// How many steps of each key result are done.
pub(crate) fn counts(offer: &Offer, served: &[ServedStep]) -> Vec<KeyResultCount> {
    let count = |id| {
        let of = offer.steps.iter().filter(|step| step.key_result == id);
        let done = of.clone().filter(|step| served.iter().any(|done| done.step == step.id.as_str()));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        KeyResultCount { done: number(done.count()), of: number(of.count()), id }
    };
    offer.key_results.iter().map(|key_result| count(key_result.id.clone())).collect()
}

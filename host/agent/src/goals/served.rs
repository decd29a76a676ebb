//! Steps of peers' goals that we served.

use coworker_channel::{KeyResultCount, PartOf, PlanNews};
use coworker_plan::Offer;
use coworker_store::{GoalShareState, ServedStep};

use super::messages::tell;
use super::offer_text;
use super::ours::GoalNews;
use crate::serve::{OnServed, ServedCall};
use crate::state::{StateError, Transaction};

impl OnServed for GoalNews {
    /// Counts the call if it is a step that we accepted, and tells the peer how far we are. Nothing else follows from the
    /// request's own words about its goal.
    fn served(&self, tx: &mut Transaction<'_>, call: &ServedCall<'_>) -> Result<(), StateError> {
        let ServedCall { peer, id, skill, part_of } = *call;
        let Some(tag) = part_of.and_then(|text| PartOf::from_text(text).ok()?.goal) else { return Ok(()) };
        let share = tx.store.goal_share(peer, tag.goal)?;
        let share = share.filter(|share| share.state == GoalShareState::Accepted);
        let Some(offer) = share.and_then(|share| offer_text::read(&share.offer)) else { return Ok(()) };
        if offer.step(&tag.step).is_none_or(|step| step.skill.as_str() != skill) {
            return Ok(());
        }
        let served = ServedStep { step: tag.step.to_string(), request: id, at_ms: tx.now };
        if !tx.store.add_served_step(peer, tag.goal, &served)? {
            return Ok(());
        }
        self.wake(tx);
        let key_results = counts(offer.offer(), &tx.store.served_steps(peer, tag.goal)?);
        tell(tx, peer, tag.goal, PlanNews::Progress { key_results })
    }
}

/// Counts the steps of each key result that are done.
pub(crate) fn counts(offer: &Offer, served: &[ServedStep]) -> Vec<KeyResultCount> {
    let count = |id| {
        let of = offer.steps.iter().filter(|step| step.key_result == id);
        let done = of.clone().filter(|step| served.iter().any(|done| done.step == step.id.as_str()));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        KeyResultCount { done: number(done.count()), of: number(of.count()), id }
    };
    offer.key_results.iter().map(|key_result| count(key_result.id.clone())).collect()
}

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::{SkillName, Text, VersionPin};
use serde::{Deserialize, Deserializer, Serialize};

use crate::bounded;
use crate::check::order;
use crate::plan::{KeyResult, Plan};

/// All that a peer sees of a plan: what it is for, and the peer's own steps. Not believed before [`Self::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub objective: Text,
    /// Those that the peer's steps count for.
    #[serde(deserialize_with = "key_results")]
    pub key_results: Vec<KeyResult>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    pub steps: Vec<OfferStep>,
}

/// A key result as a peer sends it: newer peers may say more than we know. Whoever writes a plan means what it says.
#[derive(Deserialize)]
struct KeyResultIn {
    id: SkillName,
    text: Text,
}

fn key_results<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<KeyResult>, D::Error> {
    let list: Vec<KeyResultIn> = bounded::list::<_, _, { Plan::KEY_RESULTS }>(from)?;
    Ok(list.into_iter().map(|KeyResultIn { id, text }| KeyResult { id, text }).collect())
}

/// One step that the peer is asked to take on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferStep {
    pub id: SkillName,
    pub key_result: SkillName,
    pub skill: SkillName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPin>,
    /// The peer's own steps that are done before this one begins; steps of others are never named.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>"
    )]
    pub after: Vec<SkillName>,
}

/// An offer whose steps and key results belong together. Says nothing of the skills it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedOffer(Offer);

/// Why an offer is no offer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OfferError {
    #[error("the offer has {count} steps; from 1 to {max} are allowed")]
    Steps { count: usize, max: usize },
    #[error("the offer has {count} key results; at most {max} are allowed", max = Plan::KEY_RESULTS)]
    KeyResults { count: usize },
    #[error("an id is used twice, or means something else in a plan")]
    Ids,
    #[error("a step counts for a key result that is not in the offer, or a key result has no step")]
    Unrelated,
    #[error("a step waits for one that is not in the offer")]
    Unknown,
    #[error("steps wait for each other in a circle, or for too long a chain")]
    Order,
}

impl Offer {
    /// Makes sure that ids are unique and known and that nothing waits for itself. `most` is how many steps are taken
    /// on at most, never more than [`Plan::STEPS`].
    pub fn check(self, most: usize) -> Result<CheckedOffer, OfferError> {
        let max = most.min(Plan::STEPS);
        let count = self.steps.len();
        if count == 0 || count > max {
            return Err(OfferError::Steps { count, max });
        }
        if self.key_results.len() > Plan::KEY_RESULTS {
            return Err(OfferError::KeyResults { count: self.key_results.len() });
        }
        let steps: BTreeSet<_> = self.steps.iter().map(|step| &step.id).collect();
        let key_results: BTreeSet<_> = self.key_results.iter().map(|key_result| &key_result.id).collect();
        if steps.len() != count
            || key_results.len() != self.key_results.len()
            || steps.iter().any(|id| order::is_reserved(id))
        {
            return Err(OfferError::Ids);
        }
        if key_results != self.steps.iter().map(|step| &step.key_result).collect() {
            return Err(OfferError::Unrelated);
        }
        if !self.steps.iter().flat_map(|step| &step.after).all(|id| steps.contains(id)) {
            return Err(OfferError::Unknown);
        }
        let needs = self.steps.iter().map(|step| (step.id.clone(), step.after.iter().cloned().collect()));
        let needs: BTreeMap<SkillName, BTreeSet<SkillName>> = needs.collect();
        order::levels(&needs).map_err(|_| OfferError::Order)?;
        Ok(CheckedOffer(self))
    }
}

impl CheckedOffer {
    pub fn offer(&self) -> &Offer {
        &self.0
    }

    pub fn into_offer(self) -> Offer {
        self.0
    }

    pub fn step(&self, id: &SkillName) -> Option<&OfferStep> {
        self.0.steps.iter().find(|step| step.id == *id)
    }
}

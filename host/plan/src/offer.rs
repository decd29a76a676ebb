use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::{SkillName, Text, VersionPin};
use serde::{Deserialize, Deserializer, Serialize};

use crate::bounded;
use crate::order;
use crate::plan::{KeyResult, Plan};

/// The part of a plan that a peer sees: the objective and the peer's own steps. Unchecked until [`Self::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub objective: Text,
    /// The key results that the peer's steps count toward.
    #[serde(deserialize_with = "key_results")]
    pub key_results: Vec<KeyResult>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    pub steps: Vec<OfferStep>,
}

/// A key result from a peer. Ignores unknown members, which a newer peer may send; in a plan they are an error.
#[derive(Deserialize)]
struct KeyResultIn {
    id: SkillName,
    text: Text,
}

fn key_results<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<KeyResult>, D::Error> {
    let list: Vec<KeyResultIn> = bounded::list::<_, _, { Plan::KEY_RESULTS }>(from)?;
    Ok(list.into_iter().map(|KeyResultIn { id, text }| KeyResult { id, text }).collect())
}

/// One step that the peer is asked to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferStep {
    pub id: SkillName,
    pub key_result: SkillName,
    pub skill: SkillName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPin>,
    /// The peer's own steps that finish before this one begins. Steps of others are never named.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>"
    )]
    pub after: Vec<SkillName>,
}

/// An offer whose steps and key results are consistent. The skills that it names are not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedOffer(Offer);

/// The reason that an offer is inconsistent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OfferError {
    #[error("the offer has {count} steps; from 1 to {max} are allowed")]
    Steps { count: usize, max: usize },
    #[error("the offer has {count} key results; at most {max} are allowed", max = Plan::KEY_RESULTS)]
    KeyResults { count: usize },
    #[error("an id is used twice or is reserved")]
    Ids,
    #[error("a step counts toward a key result that is not in the offer, or a key result has no step")]
    Unrelated,
    #[error("a step waits for a step that is not in the offer")]
    Unknown,
    #[error("steps depend on each other in a cycle or in too long a chain")]
    Order,
}

impl Offer {
    /// Checks that ids are unique and known and that no step waits for itself. `most` limits the number of steps; it
    /// is itself limited to [`Plan::STEPS`].
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

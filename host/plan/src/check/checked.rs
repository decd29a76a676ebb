use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coworker_policy::{PeerId, SkillName};
use coworker_schema::Schema;
use serde_json::Value;

use crate::agent::Agent;
use crate::bounded::json_size;
use crate::offer::{Offer, OfferStep};
use crate::plan::{Plan, Step};
use crate::reference::{Reference, Source};
use crate::template::Template;

/// A plan that can be carried out. Only [`Plan::check`] makes one.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(super) plan: Plan,
    /// The steps that each step waits for: the sources of its references, and `after`.
    pub(super) needs: BTreeMap<SkillName, BTreeSet<SkillName>>,
    /// The length of the longest chain of steps before each step; 0 for a step that can begin at once.
    pub(super) levels: BTreeMap<SkillName, usize>,
    /// The schema that each step's input must match.
    pub(super) inputs: BTreeMap<SkillName, Arc<Schema>>,
}

/// The reason that a checked step has no input: an earlier step returned a value that its schema did not promise.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InputError {
    #[error("there is no step `{0}`")]
    NoStep(SkillName),
    #[error("step `{step}` needs the output of `{from}`, which is not done")]
    NotDone { step: SkillName, from: SkillName },
    #[error("step `{step}`: {reference} has no value")]
    NoValue { step: SkillName, reference: Reference },
    #[error("step `{step}`: the input would exceed {max} bytes", max = Template::FILLED)]
    TooLarge { step: SkillName },
    #[error("step `{step}`: the input does not match the skill's schema: {why}")]
    Misfit { step: SkillName, why: String },
}

impl Checked {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn into_plan(self) -> Plan {
        self.plan
    }

    pub fn step(&self, id: &SkillName) -> Option<&Step> {
        self.plan.steps.iter().find(|step| step.id == *id)
    }

    /// Returns the steps that `id` waits for directly.
    pub fn needs(&self, id: &SkillName) -> impl Iterator<Item = &SkillName> {
        self.needs.get(id).into_iter().flatten()
    }

    /// Returns the steps in the order in which they can run. The steps of one list can run at the same time.
    pub fn waves(&self) -> Vec<Vec<&Step>> {
        let count = self.levels.values().max().map_or(0, |last| last + 1);
        let at = |level| self.plan.steps.iter().filter(move |step| self.levels.get(&step.id) == Some(&level));
        (0..count).map(|level| at(level).collect()).collect()
    }

    /// Returns the peers that run a step.
    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.plan.steps.iter().filter_map(|step| step.agent.peer()).collect()
    }

    /// Returns the steps that are not done and wait only for steps that are. Steps that already run are included.
    pub fn ready(&self, done: &BTreeSet<SkillName>) -> Vec<&Step> {
        let ready =
            |step: &&Step| !done.contains(&step.id) && self.needs(&step.id).all(|id| done.contains(id));
        self.plan.steps.iter().filter(ready).collect()
    }

    /// Makes the input of a step from the goal's input and the outputs of earlier steps. It matches the skill's schema.
    pub fn input(
        &self,
        id: &SkillName,
        goal: &Value,
        outputs: &BTreeMap<SkillName, Value>,
    ) -> Result<Value, InputError> {
        let step = || id.clone();
        let found = self.step(id).ok_or_else(|| InputError::NoStep(step()))?;
        let mut size = 0_usize;
        let filled = found.input.part().bind(&mut |reference| {
            let whole = match &reference.from {
                Source::Goal => goal,
                Source::Step(from) => outputs
                    .get(from)
                    .ok_or_else(|| InputError::NotDone { step: step(), from: from.clone() })?,
            };
            let no_value = || InputError::NoValue { step: step(), reference: reference.clone() };
            let value = reference.at.find(whole).ok_or_else(no_value)?;
            // A plan can use one output in many places, so the total is bounded before each copy.
            size = size.saturating_add(json_size(value));
            if size > Template::FILLED {
                return Err(InputError::TooLarge { step: step() });
            }
            Ok(Some(value.clone()))
        })?;
        let value = filled.into_literal().ok_or_else(|| InputError::NoStep(step()))?;
        match self.inputs.get(id).map(|schema| schema.check(&value)) {
            Some(Err(why)) => Err(InputError::Misfit { step: step(), why }),
            _ => Ok(value),
        }
    }

    /// Makes the offer for `peer`; `None` if it runs no step.
    pub fn part_for(&self, peer: PeerId) -> Option<Offer> {
        let own: BTreeSet<_> = self.steps_of(peer).map(|step| &step.id).collect();
        let steps: Vec<OfferStep> = self
            .steps_of(peer)
            .map(|step| OfferStep {
                id: step.id.clone(),
                key_result: step.key_result.clone(),
                skill: step.skill.clone(),
                version: step.version.clone(),
                after: self.own_before(&step.id, &own),
            })
            .collect();
        let key_results = self.plan.key_results.iter();
        let key_results = key_results.filter(|kr| steps.iter().any(|step| step.key_result == kr.id)).cloned();
        let (objective, key_results) = (self.plan.objective.clone(), key_results.collect());
        (!steps.is_empty()).then_some(Offer { objective, key_results, steps })
    }

    fn steps_of(&self, peer: PeerId) -> impl Iterator<Item = &Step> {
        self.plan.steps.iter().filter(move |step| step.agent == Agent::Peer(peer))
    }

    /// Returns the nearest steps in `own` that a step waits for, directly or through the steps of others.
    fn own_before(&self, id: &SkillName, own: &BTreeSet<&SkillName>) -> Vec<SkillName> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<&SkillName> = self.needs(id).collect();
        while let Some(before) = open.pop() {
            if !seen.insert(before) {
                continue;
            }
            if own.contains(before) {
                found.insert(before.clone());
            } else {
                open.extend(self.needs(before));
            }
        }
        found.into_iter().collect()
    }
}

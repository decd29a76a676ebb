//! Whether a plan can be carried out with what was shown.

pub(crate) mod fit;
mod input;
pub(crate) mod order;
pub(crate) mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coworker_policy::{Card, SkillName};
use coworker_schema::Schema;
use serde_json::Value;

use self::input::Putting;
use crate::bounded::json_size;
use crate::checked::Checked;
use crate::plan::{Plan, Step};
use crate::problem::{Fault, PlanError, Problem};
use crate::reference::Source;
use crate::shown::Shown;
use crate::template::Template;

pub(crate) fn check(plan: Plan, goal: &Value, shown: &Shown) -> Result<Checked, PlanError> {
    size(&plan)?;
    let mut problems = ids(&plan);
    let needs = needs(&plan, &mut problems);
    stop_at(problems)?;
    let levels = order::levels(&needs)?;
    let mut problems = Vec::new();
    let inputs = Inputs { goal, shown }.check(&plan, &mut problems);
    stop_at(problems)?;
    Ok(Checked { plan, needs, levels, inputs })
}

fn stop_at(problems: Vec<Problem>) -> Result<(), PlanError> {
    if problems.is_empty() { Ok(()) } else { Err(PlanError::new(problems)) }
}

fn size(plan: &Plan) -> Result<(), Problem> {
    let many =
        |what, count, max| if count > max { Err(Problem::TooMany { what, count, max }) } else { Ok(()) };
    many("key results", plan.key_results.len(), Plan::KEY_RESULTS)?;
    many("steps", plan.steps.len(), Plan::STEPS)?;
    for step in &plan.steps {
        many("steps before one", step.after.len(), Plan::STEPS)?;
    }
    let size = json_size(plan);
    if size > Plan::MAX { Err(Problem::TooLarge { size }) } else { Ok(()) }
}

/// Every id once, every key result with a step.
fn ids(plan: &Plan) -> Vec<Problem> {
    let mut problems = Vec::new();
    if plan.steps.is_empty() {
        problems.push(Problem::Empty);
    }
    let mut key_results = BTreeSet::new();
    for key_result in &plan.key_results {
        if !key_results.insert(&key_result.id) {
            problems.push(Problem::SameKeyResult(key_result.id.clone()));
        }
    }
    let mut steps = BTreeSet::new();
    for step in &plan.steps {
        if !steps.insert(&step.id) {
            problems.push(Problem::SameStep(step.id.clone()));
        }
        if order::is_reserved(&step.id) {
            problems.push(fault(step, Fault::Reserved));
        }
        if !key_results.contains(&step.key_result) {
            problems.push(fault(step, Fault::NoKeyResult(step.key_result.clone())));
        }
    }
    let counted: BTreeSet<_> = plan.steps.iter().map(|step| &step.key_result).collect();
    let idle = key_results.difference(&counted).map(|id| Problem::IdleKeyResult((*id).clone()));
    problems.extend(idle);
    problems
}

fn fault(step: &Step, fault: Fault) -> Problem {
    Problem::Step { step: step.id.clone(), fault }
}

fn needs(plan: &Plan, problems: &mut Vec<Problem>) -> BTreeMap<SkillName, BTreeSet<SkillName>> {
    let known: BTreeSet<_> = plan.steps.iter().map(|step| &step.id).collect();
    let mut needs = BTreeMap::new();
    for step in &plan.steps {
        let references = step.input.references().into_iter().filter_map(|reference| match &reference.from {
            Source::Goal => None,
            Source::Step(from) => Some(from),
        });
        let before: BTreeSet<_> = references.chain(&step.after).cloned().collect();
        let unknown = before.iter().filter(|id| !known.contains(id));
        problems.extend(unknown.map(|id| fault(step, Fault::NoStep(id.clone()))));
        needs.insert(step.id.clone(), before);
    }
    needs
}

/// What the inputs of steps are made of, and what they are to fit.
struct Inputs<'p> {
    goal: &'p Value,
    shown: &'p Shown,
}

impl<'p> Inputs<'p> {
    fn check(&self, plan: &'p Plan, problems: &mut Vec<Problem>) -> BTreeMap<SkillName, Arc<Schema>> {
        let mut cards = BTreeMap::new();
        for step in &plan.steps {
            match self.card(step) {
                Ok(card) => {
                    cards.insert(step.id.clone(), card);
                }
                Err(found) => problems.push(fault(step, found)),
            }
        }
        let (mut compiled, mut inputs) = (BTreeMap::new(), BTreeMap::new());
        for step in &plan.steps {
            let Some(card) = cards.get(&step.id) else { continue };
            let schema = compiled.entry((step.agent, &step.skill)).or_insert_with(|| schema(card));
            match schema.as_ref().map_err(|why| unusable(step, why)).and_then(|schema| {
                self.input(step, schema, &cards)?;
                Ok(Arc::clone(schema))
            }) {
                Ok(schema) => {
                    inputs.insert(step.id.clone(), schema);
                }
                Err(found) => problems.push(fault(step, found)),
            }
        }
        inputs
    }

    fn card(&self, step: &Step) -> Result<&'p Card, Fault> {
        let showing =
            self.shown.of(&step.agent).ok_or_else(|| Fault::NoAgent(format!("the agent {}", step.agent)))?;
        let skill = || step.skill.clone();
        let card = self.shown.card(&step.agent, &step.skill);
        let card = card.ok_or_else(|| Fault::NoSkill { agent: showing.name.to_string(), skill: skill() })?;
        match &step.version {
            Some(pin) if !pin.takes(&card.version) => {
                Err(Fault::Version { skill: skill(), shown: card.version.clone(), pin: pin.clone() })
            }
            _ => Ok(card),
        }
    }

    fn input(&self, step: &Step, schema: &Schema, cards: &BTreeMap<SkillName, &Card>) -> Result<(), Fault> {
        let mut size = 0_usize;
        let bound = step.input.part().bind(&mut |reference| {
            if reference.from != Source::Goal {
                return Ok(None);
            }
            let none = || Fault::NoGoalInput(reference.clone());
            let value = input::of_goal(reference, self.goal).ok_or_else(none)?;
            // The same input can be put in many places: their sum is bounded before another copy is made.
            size = size.saturating_add(json_size(value));
            if size > Template::FILLED { Err(Fault::InputTooLarge) } else { Ok(Some(value.clone())) }
        })?;
        Putting::new(cards).check(&bound, schema)
    }
}

/// The schema of a card's input, or why it is none.
fn schema(card: &Card) -> Result<Arc<Schema>, String> {
    Schema::new(card.input_schema.clone()).map(Arc::new).map_err(|error| error.to_string())
}

fn unusable(step: &Step, why: &str) -> Fault {
    Fault::Schema { skill: step.skill.clone(), why: why.to_owned() }
}

//! The check that turns a [`Plan`] into a [`Checked`] plan.

mod checked;
pub(crate) mod fit;
pub(crate) mod place;
mod step_input;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coworker_policy::{Card, SkillName};
use coworker_schema::Schema;
use serde_json::Value;

pub use self::checked::{Checked, InputError};
use self::step_input::InputCheck;
use crate::bounded::json_size;
use crate::order;
use crate::plan::{Plan, Step};
use crate::problem::{PlanError, Problem, StepProblem};
use crate::reference::Source;
use crate::template::Template;
use crate::visible::VisibleSkills;

impl Plan {
    /// Checks that the plan can be carried out with the visible skills: ids are unique and known, no step waits for
    /// itself, every skill is visible, every reference can lead to a value that fits its place, and required input is
    /// there. Nothing is refused where a schema is silent.
    ///
    /// `goal` is the goal's input; [`Value::Null`] for none. The time is proportional to the size of the plan and the
    /// schemas, even if a peer chose them to be slow.
    pub fn check(self, goal: &Value, visible: &VisibleSkills) -> Result<Checked, PlanError> {
        size(&self)?;
        let mut problems = ids(&self);
        let needs = needs(&self, &mut problems);
        stop_at(problems)?;
        let levels = order::levels(&needs)?;
        let mut problems = Vec::new();
        let inputs = Inputs { goal, visible }.check(&self, &mut problems);
        stop_at(problems)?;
        Ok(Checked { plan: self, needs, levels, inputs })
    }
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

/// Checks that ids are unique and that each key result has a step.
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
            problems.push(problem(step, StepProblem::Reserved));
        }
        if !key_results.contains(&step.key_result) {
            problems.push(problem(step, StepProblem::NoKeyResult(step.key_result.clone())));
        }
    }
    let counted: BTreeSet<_> = plan.steps.iter().map(|step| &step.key_result).collect();
    let idle = key_results.difference(&counted).map(|id| Problem::IdleKeyResult((*id).clone()));
    problems.extend(idle);
    problems
}

fn problem(step: &Step, problem: StepProblem) -> Problem {
    Problem::Step { step: step.id.clone(), problem }
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
        problems.extend(unknown.map(|id| problem(step, StepProblem::NoStep(id.clone()))));
        needs.insert(step.id.clone(), before);
    }
    needs
}

/// The sources of the steps' inputs, and the skills whose schemas the inputs must match.
struct Inputs<'p> {
    goal: &'p Value,
    visible: &'p VisibleSkills,
}

impl<'p> Inputs<'p> {
    fn check(&self, plan: &'p Plan, problems: &mut Vec<Problem>) -> BTreeMap<SkillName, Arc<Schema>> {
        let mut cards = BTreeMap::new();
        for step in &plan.steps {
            match self.card(step) {
                Ok(card) => {
                    cards.insert(step.id.clone(), card);
                }
                Err(found) => problems.push(problem(step, found)),
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
                Err(found) => problems.push(problem(step, found)),
            }
        }
        inputs
    }

    fn card(&self, step: &Step) -> Result<&'p Card, StepProblem> {
        let no_agent = || StepProblem::NoAgent(format!("the agent {}", step.agent));
        let agent = self.visible.of(&step.agent).ok_or_else(no_agent)?;
        let skill = || step.skill.clone();
        let no_skill = || StepProblem::NoSkill { agent: agent.name.to_string(), skill: skill() };
        let card = self.visible.card(&step.agent, &step.skill).ok_or_else(no_skill)?;
        match &step.version {
            Some(pin) if !pin.takes(&card.version) => {
                Err(StepProblem::Version { skill: skill(), version: card.version.clone(), pin: pin.clone() })
            }
            _ => Ok(card),
        }
    }

    fn input(
        &self,
        step: &Step,
        schema: &Schema,
        cards: &BTreeMap<SkillName, &Card>,
    ) -> Result<(), StepProblem> {
        let mut size = 0_usize;
        let bound = step.input.part().bind(&mut |reference| {
            if reference.from != Source::Goal {
                return Ok(None);
            }
            let none = || StepProblem::NoGoalInput(reference.clone());
            let value = step_input::of_goal(reference, self.goal).ok_or_else(none)?;
            // A plan can use the goal's input in many places, so the total is bounded before each copy.
            size = size.saturating_add(json_size(value));
            if size > Template::FILLED { Err(StepProblem::InputTooLarge) } else { Ok(Some(value.clone())) }
        })?;
        InputCheck::new(cards).check(&bound, schema)
    }
}

/// Compiles the input schema of a card.
fn schema(card: &Card) -> Result<Arc<Schema>, String> {
    Schema::new(card.input_schema.clone()).map(Arc::new).map_err(|error| error.to_string())
}

fn unusable(step: &Step, why: &str) -> StepProblem {
    StepProblem::Schema { skill: step.skill.clone(), why: why.to_owned() }
}

//! Checks whether the input of one step can match its skill's schema.

use std::collections::BTreeMap;

use coworker_policy::{Card, SkillName};
use coworker_schema::Schema;
use serde_json::{Value, json};

use super::fit::{fit, reach};
use super::place::{Fuel, Place, Types, any};
use crate::brief::brief;
use crate::pointer::{Pointer, escaped};
use crate::problem::StepProblem;
use crate::reference::{Reference, Source};
use crate::template::Part;

/// The fuel for comparing schemas in one step of the plan.
const FUEL: u32 = 20_000;
/// The fuel for compiling a part of a schema to check one value.
const COMPILED: u32 = FUEL / 16;

/// Compares one input with the schema of its skill.
pub(super) struct InputCheck<'p> {
    /// The card of each step, which promises the step's output.
    outputs: &'p BTreeMap<SkillName, &'p Card>,
    fuel: Fuel,
}

impl<'p> InputCheck<'p> {
    pub(super) fn new(outputs: &'p BTreeMap<SkillName, &'p Card>) -> Self {
        Self { outputs, fuel: Fuel::new(FUEL) }
    }

    /// Checks `part`, in which all references to the goal have been filled in.
    pub(super) fn check(&self, part: &Part, schema: &Schema) -> Result<(), StepProblem> {
        match part {
            Part::Literal(value) => schema.check(value).map_err(StepProblem::Literal),
            _ => self.put(part, Place::whole(schema.source()), ""),
        }
    }

    fn put(&self, part: &Part, to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        if !self.fuel.spend(1) {
            return Ok(());
        }
        match part {
            Part::Literal(value) => self.literal(value, to, at),
            Part::From(reference) => self.reference(reference, to, at),
            Part::Object(parts) => self.object(parts, to, at),
            Part::Array(parts) => self.array(parts, to, at),
        }
    }

    fn reference(&self, reference: &Reference, to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        let Source::Step(from) = &reference.from else { return Ok(()) };
        let Some(card) = self.outputs.get(from) else { return Ok(()) };
        let places = reach(Place::whole(&card.output_schema), &reference.at, &self.fuel)
            .map_err(|why| StepProblem::NoOutput { reference: reference.clone(), why })?;
        let place = at.parse().unwrap_or_default();
        any(&places, |place| fit(place, to, &self.fuel)).map_err(|why| StepProblem::Misfit {
            reference: reference.clone(),
            place,
            why,
        })
    }

    fn object(&self, parts: &BTreeMap<String, Part>, to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        let facets = to.facets(&self.fuel);
        self.is(Types::OBJECT, to, at)?;
        if let Some(missing) = facets.required().find(|name| !parts.contains_key(*name)) {
            return Err(StepProblem::Missing(inside(at, missing)));
        }
        for (name, part) in parts {
            let below = to.field(name, &self.fuel);
            if below.never && self.fuel.spend(1) {
                return Err(StepProblem::Unknown(inside(at, name)));
            }
            for place in below.known {
                self.put(part, place, &inside(at, name))?;
            }
        }
        facets.each_choice(|place| self.alternative(|| self.object(parts, place, at)))
    }

    fn array(&self, parts: &[Part], to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        self.is(Types::ARRAY, to, at)?;
        for (i, part) in parts.iter().enumerate() {
            let below = to.item(i, &self.fuel);
            let here = inside(at, &i.to_string());
            if below.never && self.fuel.spend(1) {
                return Err(StepProblem::Unknown(here));
            }
            for place in below.known {
                self.put(part, place, &here)?;
            }
        }
        to.facets(&self.fuel).each_choice(|place| self.alternative(|| self.array(parts, place, at)))
    }

    fn alternative(&self, fits: impl FnOnce() -> Result<(), StepProblem>) -> Result<(), StepProblem> {
        if self.fuel.spend(1) { fits() } else { Ok(()) }
    }

    fn is(&self, kind: Types, to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        let types = to.facets(&self.fuel).types(&self.fuel);
        if types.has(kind) || !self.fuel.spend(1) {
            return Ok(());
        }
        Err(StepProblem::Literal(format!("{}: it is {kind}, not {types}", quoted(at))))
    }

    fn literal(&self, value: &Value, to: Place<'_>, at: &str) -> Result<(), StepProblem> {
        let types = to.facets(&self.fuel).types(&self.fuel);
        let kind = Types::of(value);
        if !types.has(kind) && self.fuel.spend(1) {
            return Err(StepProblem::Literal(format!("{}: it is {kind}, not {types}", quoted(at))));
        }
        // Once the fuel is used up, the remaining values are checked when the step runs.
        if !self.fuel.spend(COMPILED) {
            return Ok(());
        }
        match Schema::new(document(to)).map(|schema| schema.check(value)) {
            Ok(Err(why)) => Err(StepProblem::Literal(format!("{}: {}", quoted(at), brief(&why)))),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

fn inside(at: &str, name: &str) -> String {
    format!("{at}/{}", escaped(name))
}

fn quoted(at: &str) -> String {
    if at.is_empty() { "the top level".to_owned() } else { format!("`{}`", brief(at)) }
}

/// Makes a standalone schema for the values at one place.
fn document(place: Place<'_>) -> Value {
    let mut document = json!({ "$defs": { "root": moved(place.root()) }, "allOf": [moved(place.schema)] });
    if let Some(draft) = place.root().get("$schema") {
        document["$schema"] = draft.clone();
    }
    document
}

/// Rewrites references for a schema whose root has moved to `#/$defs/root`. Leaves out `$id` and `$schema`, which only
/// the root of a document may have.
fn moved(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => {
            let keywords = keywords.iter().filter(|(name, value)| !is_identity(name, value));
            keywords.map(|(name, value)| (name.clone(), moved_keyword(name, value))).collect()
        }
        Value::Array(items) => items.iter().map(moved).collect(),
        other => other.clone(),
    }
}

fn is_identity(name: &str, value: &Value) -> bool {
    matches!(name, "$id" | "id" | "$schema") && value.is_string()
}

fn moved_keyword(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("$ref", Value::String(target)) if target.starts_with('#') => {
            format!("#/$defs/root{}", target.trim_start_matches('#')).into()
        }
        // These keywords hold values, not schemas.
        ("const" | "enum" | "default" | "examples", value) => value.clone(),
        (_, value) => moved(value),
    }
}

/// Returns the value of `reference` in the goal's input.
pub(super) fn of_goal<'g>(reference: &Reference, goal: &'g Value) -> Option<&'g Value> {
    let at: &Pointer = &reference.at;
    // Without an input even a reference to the whole of it has no value.
    (!goal.is_null()).then(|| at.find(goal)).flatten()
}

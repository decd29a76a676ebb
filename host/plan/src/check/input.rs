//! Whether the input of one step can fit its skill's schema.

use std::collections::BTreeMap;

use coworker_policy::{Card, SkillName};
use coworker_schema::Schema;
use serde_json::{Value, json};

use super::fit::{fit, reach};
use super::place::{Fuel, Place, Types, any};
use crate::pointer::{Pointer, escaped};
use crate::problem::{Fault, brief};
use crate::reference::{Reference, Source};
use crate::template::Part;

/// Steps of comparing schemas for one step of the plan.
const FUEL: u32 = 20_000;
/// What compiling a part of a schema, to check one value against it, counts as.
const COMPILED: u32 = FUEL / 16;

/// Compares one input with the schema it is for.
pub(super) struct Putting<'p> {
    /// What the steps before this one show.
    outputs: &'p BTreeMap<SkillName, &'p Card>,
    fuel: Fuel,
}

impl<'p> Putting<'p> {
    pub(super) fn new(outputs: &'p BTreeMap<SkillName, &'p Card>) -> Self {
        Self { outputs, fuel: Fuel::new(FUEL) }
    }

    /// `part` has nothing of the goal's left to fill in.
    pub(super) fn check(&self, part: &Part, schema: &Schema) -> Result<(), Fault> {
        match part {
            Part::Literal(value) => schema.check(value).map_err(Fault::Literal),
            _ => self.put(part, Place::whole(schema.source()), ""),
        }
    }

    fn put(&self, part: &Part, to: Place<'_>, at: &str) -> Result<(), Fault> {
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

    fn reference(&self, reference: &Reference, to: Place<'_>, at: &str) -> Result<(), Fault> {
        let Source::Step(from) = &reference.from else { return Ok(()) };
        let Some(card) = self.outputs.get(from) else { return Ok(()) };
        let places = reach(Place::whole(&card.output_schema), &reference.at, &self.fuel)
            .map_err(|why| Fault::NoOutput { reference: reference.clone(), why })?;
        let place = at.parse().unwrap_or_default();
        any(&places, |place| fit(place, to, &self.fuel)).map_err(|why| Fault::Misfit {
            reference: reference.clone(),
            place,
            why,
        })
    }

    fn object(&self, parts: &BTreeMap<String, Part>, to: Place<'_>, at: &str) -> Result<(), Fault> {
        let facets = to.facets(&self.fuel);
        self.is(Types::OBJECT, to, at)?;
        if let Some(missing) = facets.required().find(|name| !parts.contains_key(*name)) {
            return Err(Fault::Missing(inside(at, missing)));
        }
        for (name, part) in parts {
            let below = to.field(name, &self.fuel);
            if below.never && self.fuel.spend(1) {
                return Err(Fault::Unknown(inside(at, name)));
            }
            for place in below.known {
                self.put(part, place, &inside(at, name))?;
            }
        }
        facets.each_choice(|place| self.alternative(|| self.object(parts, place, at)))
    }

    fn array(&self, parts: &[Part], to: Place<'_>, at: &str) -> Result<(), Fault> {
        self.is(Types::ARRAY, to, at)?;
        for (i, part) in parts.iter().enumerate() {
            let below = to.item(i, &self.fuel);
            let here = inside(at, &i.to_string());
            if below.never && self.fuel.spend(1) {
                return Err(Fault::Unknown(here));
            }
            for place in below.known {
                self.put(part, place, &here)?;
            }
        }
        to.facets(&self.fuel).each_choice(|place| self.alternative(|| self.array(parts, place, at)))
    }

    fn alternative(&self, fits: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
        if self.fuel.spend(1) { fits() } else { Ok(()) }
    }

    fn is(&self, kind: Types, to: Place<'_>, at: &str) -> Result<(), Fault> {
        let types = to.facets(&self.fuel).types(&self.fuel);
        if types.has(kind) || !self.fuel.spend(1) {
            return Ok(());
        }
        Err(Fault::Literal(format!("{}: it is {kind}, not {types}", shown(at))))
    }

    fn literal(&self, value: &Value, to: Place<'_>, at: &str) -> Result<(), Fault> {
        let types = to.facets(&self.fuel).types(&self.fuel);
        let kind = Types::of(value);
        if !types.has(kind) && self.fuel.spend(1) {
            return Err(Fault::Literal(format!("{}: it is {kind}, not {types}", shown(at))));
        }
        // Many values in a large schema: the rest is checked when the step runs.
        if !self.fuel.spend(COMPILED) {
            return Ok(());
        }
        match Schema::new(document(to)).map(|schema| schema.check(value)) {
            Ok(Err(why)) => Err(Fault::Literal(format!("{}: {}", shown(at), brief(&why)))),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

fn inside(at: &str, name: &str) -> String {
    format!("{at}/{}", escaped(name))
}

fn shown(at: &str) -> String {
    if at.is_empty() { "the top level".to_owned() } else { format!("`{}`", brief(at)) }
}

/// A schema of its own for the values at one place.
fn document(place: Place<'_>) -> Value {
    let mut document = json!({ "$defs": { "root": moved(place.root()) }, "allOf": [moved(place.schema)] });
    if let Some(draft) = place.root().get("$schema") {
        document["$schema"] = draft.clone();
    }
    document
}

/// The schema with its references leading to where the whole one is now. Identities, of which a document has one, are
/// left out.
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
        // Values, not schemas.
        ("const" | "enum" | "default" | "examples", value) => value.clone(),
        (_, value) => moved(value),
    }
}

/// What the goal's input has at `reference`.
pub(super) fn of_goal<'g>(reference: &Reference, goal: &'g Value) -> Option<&'g Value> {
    let at: &Pointer = &reference.at;
    // A goal without an input has nothing, not even the whole of it.
    (!goal.is_null()).then(|| at.find(goal)).flatten()
}

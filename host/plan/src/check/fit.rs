//! Checks whether a value that one schema promises can match another schema.

use serde_json::Value;

use super::place::{Facets, Fuel, Place, Types, any};
use crate::brief::brief;
use crate::pointer::Pointer;

/// The most levels to which two schemas are compared.
const LEVELS: usize = 16;

/// Returns the schemas that a value at `at` may match, any of them, or the reason that there is no such value.
pub(super) fn reach<'s>(schema: Place<'s>, at: &Pointer, fuel: &Fuel) -> Result<Vec<Place<'s>>, String> {
    let mut places = vec![schema];
    for name in at.names() {
        let below: Vec<_> = places.iter().flat_map(|place| below(*place, &name, fuel)).collect();
        if below.is_empty() && fuel.spend(1) {
            return Err(nothing(&places, &name, fuel));
        }
        places = below;
    }
    Ok(places)
}

fn below<'s>(place: Place<'s>, name: &str, fuel: &Fuel) -> Vec<Place<'s>> {
    let types = place.facets(fuel).types(fuel);
    let mut places = Vec::new();
    if types.has(Types::OBJECT) {
        places.extend(place.field(name, fuel).promised(place));
    }
    // `-` and numbers with leading zeros do not name an item.
    let index = name.parse::<usize>().ok().filter(|index| index.to_string() == name);
    if let Some(index) = index.filter(|_| types.has(Types::ARRAY)) {
        places.extend(place.item(index, fuel).promised(place));
    }
    places
}

fn nothing(places: &[Place<'_>], name: &str, fuel: &Fuel) -> String {
    let mut named: Vec<_> = places.iter().flat_map(|place| fields(*place, fuel)).collect();
    named.sort_unstable();
    named.dedup();
    let name = brief(name);
    if named.is_empty() {
        format!("the output has nothing named `{name}` there")
    } else {
        format!("the output has no `{name}`; it has {}", brief(&named.join(", ")))
    }
}

fn fields<'s>(place: Place<'s>, fuel: &Fuel) -> Vec<&'s str> {
    let facets = place.facets(fuel);
    let mut named: Vec<_> = facets.named().collect();
    for choice in facets.choices.into_iter().flatten().filter(|_| fuel.spend(1)) {
        named.extend(fields(choice, fuel));
    }
    named
}

/// Returns an error if certainly no value of `output` fits `input`. An empty list does not count as fitting, nor does
/// a field that `output` allows but does not name.
pub(crate) fn fit(output: Place<'_>, input: Place<'_>, fuel: &Fuel) -> Result<(), String> {
    Fit { fuel }.check(output, input, 0)
}

struct Fit<'f> {
    fuel: &'f Fuel,
}

impl Fit<'_> {
    fn check(&self, output: Place<'_>, input: Place<'_>, level: usize) -> Result<(), String> {
        if level > LEVELS || !self.fuel.spend(1) {
            return Ok(());
        }
        let (given, asked) = (output.facets(self.fuel), input.facets(self.fuel));
        let common = self.types(&given, &asked)?;
        given.each_choice(|alternative| self.check(alternative, input, level + 1))?;
        asked.each_choice(|alternative| self.check(output, alternative, level + 1))?;
        values(&given, &asked)?;
        if common == Types::OBJECT {
            self.objects((output, &given), (input, &asked), level)?;
        } else if common == Types::ARRAY {
            self.lists(output, input, level)?;
        }
        Ok(())
    }

    fn types(&self, given: &Facets<'_>, asked: &Facets<'_>) -> Result<Types, String> {
        let (given, asked) = (given.types(self.fuel), asked.types(self.fuel));
        let common = given & asked;
        // A value that fits only if it is null does not fit.
        let lacking = common.something().is_none() && (given != common || given.is_none());
        if lacking && self.fuel.spend(1) { Err(format!("it is {given}, not {asked}")) } else { Ok(common) }
    }

    fn objects(
        &self,
        (output, given): (Place<'_>, &Facets<'_>),
        (input, asked): (Place<'_>, &Facets<'_>),
        level: usize,
    ) -> Result<(), String> {
        for name in asked.required().chain(given.required()) {
            let from = output.field(name, self.fuel).promised(output);
            let to = input.field(name, self.fuel);
            if !self.fuel.spend(1) {
                return Ok(());
            }
            if from.is_empty() {
                return Err(format!("it has no field `{}`", brief(name)));
            }
            if to.never {
                return Err(format!("the input must not have the field `{}`", brief(name)));
            }
            for to in to.known {
                any(&from, |from| self.check(from, to, level + 1))
                    .map_err(|why| format!("its field `{}`: {why}", brief(name)))?;
            }
        }
        Ok(())
    }

    fn lists(&self, output: Place<'_>, input: Place<'_>, level: usize) -> Result<(), String> {
        let from = output.item(0, self.fuel).promised(output);
        for to in input.item(0, self.fuel).known {
            any(&from, |from| self.check(from, to, level + 1)).map_err(|why| format!("its items: {why}"))?;
        }
        Ok(())
    }
}

fn values(given: &Facets<'_>, asked: &Facets<'_>) -> Result<(), String> {
    let (Some(given), Some(asked)) = (given.values(), asked.values()) else { return Ok(()) };
    let common = given.iter().any(|value| asked.contains(value));
    // The comparison is quadratic, but a schema has at most 64 KiB.
    if common || given.is_empty() || asked.is_empty() {
        return Ok(());
    }
    let list =
        |values: &[&Value]| brief(&values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    Err(format!("it is one of {}, not one of {}", list(&given), list(&asked)))
}

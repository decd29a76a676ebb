//! Reads the constraints of a schema on the values at one place.
//!
//! Schemas come from peers, so every walk over one spends [`Fuel`]. Once the fuel is used up, nothing more is refused.

use std::cell::Cell;

use serde_json::{Map, Value};

/// The number of steps that are left for walks over schemas.
#[derive(Debug)]
pub(crate) struct Fuel(Cell<u32>);

/// A schema, with the document that its references point into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'s> {
    root: &'s Value,
    pub(crate) schema: &'s Value,
    /// The number of nested choices that led here without descending into the value.
    level: u8,
}

/// The constraints on the values at a place.
#[derive(Debug, Default)]
pub(crate) struct Facets<'s> {
    /// All of these apply.
    pub(crate) all: Vec<&'s Map<String, Value>>,
    /// At least one of each list applies.
    pub(crate) choices: Vec<Vec<Place<'s>>>,
    /// No value is allowed.
    pub(crate) never: bool,
}

/// The constraints on a field or an item.
#[derive(Debug, Default)]
pub(crate) struct Below<'s> {
    /// Schemas that all apply.
    pub(crate) known: Vec<Place<'s>>,
    /// Schemas from alternatives, of which any may apply.
    pub(crate) chosen: Vec<Place<'s>>,
    /// It may exist and have any value.
    pub(crate) open: bool,
    /// The schema names other fields but not this one.
    pub(crate) unnamed: bool,
    /// It must not exist.
    pub(crate) never: bool,
}

/// A part of a value.
#[derive(Clone, Copy)]
enum Part<'n> {
    Field(&'n str),
    Item(usize),
}

/// The schema that any value matches.
static ANYTHING: Value = Value::Bool(true);

impl Fuel {
    pub(crate) fn new(steps: u32) -> Self {
        Self(Cell::new(steps))
    }

    pub(crate) fn spend(&self, steps: u32) -> bool {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// The most nested choices that are followed, because each takes a few stack frames. Below that any value fits.
const LEVELS: u8 = 16;

impl<'s> Place<'s> {
    pub(crate) fn whole(root: &'s Value) -> Self {
        Self { root, schema: root, level: 0 }
    }

    pub(crate) fn root(self) -> &'s Value {
        self.root
    }

    pub(crate) fn anything(self) -> Self {
        self.at(&ANYTHING)
    }

    fn at(self, schema: &'s Value) -> Self {
        Self { schema, level: 0, ..self }
    }

    fn chosen(self, schema: &'s Value) -> Self {
        Self { schema, level: self.level + 1, ..self }
    }

    pub(crate) fn facets(self, fuel: &Fuel) -> Facets<'s> {
        let mut facets = Facets::default();
        let mut open = Vec::new();
        open.extend((self.level < LEVELS).then_some(self.schema));
        // The fuel ends a loop of references.
        while let Some(schema) = open.pop().filter(|_| fuel.spend(1)) {
            match schema {
                Value::Bool(false) => facets.never = true,
                Value::Object(keywords) => {
                    open.extend(self.target(keywords));
                    open.extend(list(keywords, "allOf"));
                    for keyword in ["anyOf", "oneOf"] {
                        let choice: Vec<_> =
                            list(keywords, keyword).map(|schema| self.chosen(schema)).collect();
                        facets.choices.extend((!choice.is_empty()).then_some(choice));
                    }
                    facets.all.push(keywords);
                }
                _ => {}
            }
        }
        facets
    }

    fn target(self, keywords: &Map<String, Value>) -> Option<&'s Value> {
        let target = keywords.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(target)
    }

    /// Returns the constraints on the field `name`.
    pub(crate) fn field(self, name: &str, fuel: &Fuel) -> Below<'s> {
        let mut below = Below::default();
        self.look(fuel, &mut below, Part::Field(name));
        below
    }

    /// Returns the constraints on the item at `index`.
    pub(crate) fn item(self, index: usize, fuel: &Fuel) -> Below<'s> {
        let mut below = Below::default();
        self.look(fuel, &mut below, Part::Item(index));
        below
    }

    fn look(self, fuel: &Fuel, below: &mut Below<'s>, part: Part<'_>) {
        let facets = self.facets(fuel);
        for keywords in &facets.all {
            match part {
                Part::Field(name) => self.field_by(keywords, name, below),
                Part::Item(index) => self.item_by(keywords, index, below),
            }
        }
        for place in facets.choices.into_iter().flatten() {
            let mut chosen = Below::default();
            if fuel.spend(1) {
                place.look(fuel, &mut chosen, part);
            }
            // Another alternative may allow a field that this one rules out.
            below.unnamed |= chosen.unnamed || chosen.never;
            below.open |= chosen.open;
            below.chosen.extend(chosen.known);
            below.chosen.extend(chosen.chosen);
        }
    }

    fn field_by(self, keywords: &'s Map<String, Value>, name: &str, below: &mut Below<'s>) {
        let named = keywords.get("properties").and_then(Value::as_object);
        if let Some(schema) = named.and_then(|named| named.get(name)) {
            below.is(self.at(schema));
        } else if keywords.get("patternProperties").is_some() {
            below.open = true;
        } else {
            match keywords.get("additionalProperties") {
                Some(Value::Bool(true)) => below.open = true,
                Some(schema) => below.is(self.at(schema)),
                None => below.unnamed |= named.is_some_and(|named| !named.is_empty()),
            }
        }
    }

    fn item_by(self, keywords: &'s Map<String, Value>, index: usize, below: &mut Below<'s>) {
        let max = keywords.get("maxItems").and_then(Value::as_u64);
        if max.is_some_and(|max| index as u64 >= max) {
            below.never = true;
            return;
        }
        let lists = ["prefixItems", "items"].map(|keyword| keywords.get(keyword).and_then(Value::as_array));
        let prefix = lists.into_iter().flatten().find_map(|items| items.get(index));
        let rest = ["items", "additionalItems"].map(|keyword| keywords.get(keyword));
        let rest = rest.into_iter().flatten().find(|schema| !schema.is_array());
        if let Some(schema) = prefix.or(rest) {
            below.is(self.at(schema));
        }
    }
}

impl<'s> Below<'s> {
    fn is(&mut self, place: Place<'s>) {
        if place.schema == &Value::Bool(false) { self.never = true } else { self.known.push(place) }
    }

    /// Returns the schemas of a promised value, any of which it may match. A contract that names fields promises no
    /// others.
    pub(crate) fn promised(self, parent: Place<'s>) -> Vec<Place<'s>> {
        let Self { mut known, chosen, open, unnamed, never } = self;
        known.extend(chosen);
        if never {
            Vec::new()
        } else if known.is_empty() && (open || !unnamed) {
            vec![parent.anything()]
        } else {
            known
        }
    }
}

impl<'s> Facets<'s> {
    /// Returns the types that the values may have.
    pub(crate) fn types(&self, fuel: &Fuel) -> Types {
        if self.never {
            return Types::NONE;
        }
        let own = self.all.iter().fold(Types::ALL, |types, keywords| types & Types::by(keywords));
        self.choices.iter().fold(own, |types, choice| {
            let each = choice.iter().filter(|_| fuel.spend(1)).map(|place| place.facets(fuel).types(fuel));
            let any = each.fold(Types::NONE, |any, types| any | types);
            // Without fuel the alternatives are unknown and restrict nothing.
            if fuel.spend(1) { types & any } else { types }
        })
    }

    /// Checks that one of each list of alternatives fits; otherwise returns the error of the first alternative.
    pub(crate) fn each_choice<E>(&self, fits: impl Fn(Place<'s>) -> Result<(), E>) -> Result<(), E> {
        self.choices.iter().try_for_each(|choice| any(choice, &fits))
    }

    pub(crate) fn required(&self) -> impl Iterator<Item = &'s str> {
        self.all.iter().flat_map(|keywords| list(keywords, "required")).filter_map(Value::as_str)
    }

    /// Returns the named fields, with duplicates.
    pub(crate) fn named(&self) -> impl Iterator<Item = &'s str> {
        let named = self.all.iter().filter_map(|keywords| keywords.get("properties")?.as_object());
        named.flat_map(|named| named.keys().map(String::as_str))
    }

    /// Returns the allowed values if the schema lists them.
    pub(crate) fn values(&self) -> Option<Vec<&'s Value>> {
        self.all.iter().find_map(|keywords| match (keywords.get("const"), keywords.get("enum")) {
            (Some(value), _) => Some(vec![value]),
            (None, Some(Value::Array(values))) => Some(values.iter().collect()),
            _ => None,
        })
    }
}

/// Checks that one of `places` fits; otherwise returns the error of the first.
pub(crate) fn any<'s, E>(places: &[Place<'s>], fits: impl Fn(Place<'s>) -> Result<(), E>) -> Result<(), E> {
    let mut first = Ok(());
    for place in places {
        match fits(*place) {
            Ok(()) => return Ok(()),
            Err(why) => first = first.and(Err(why)),
        }
    }
    first
}

fn list<'s>(keywords: &'s Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'s Value> + use<'s> {
    keywords.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

/// A set of JSON types, with whole numbers as a type of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NONE: Self = Self(0);
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    pub(crate) const INTEGER: Self = Self(4);
    pub(crate) const NUMBER: Self = Self(4 | 8);
    pub(crate) const STRING: Self = Self(16);
    pub(crate) const ARRAY: Self = Self(32);
    pub(crate) const OBJECT: Self = Self(64);
    pub(crate) const ALL: Self = Self(127);

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn has(self, other: Self) -> bool {
        !(self & other).is_none()
    }

    /// Returns the set without `null`.
    pub(crate) fn something(self) -> Self {
        Self(self.0 & !Self::NULL.0)
    }

    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
                Self::INTEGER
            }
            Value::Number(_) => Self(8),
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    fn by(keywords: &Map<String, Value>) -> Self {
        let types = match keywords.get("type") {
            Some(Value::String(name)) => Self::named(name),
            Some(Value::Array(names)) => union(names.iter().filter_map(Value::as_str).map(Self::named)),
            _ => Self::ALL,
        };
        let values = match (keywords.get("const"), keywords.get("enum")) {
            (Some(value), _) => Self::of(value),
            (None, Some(Value::Array(values))) => union(values.iter().map(Self::of)),
            _ => Self::ALL,
        };
        types & values
    }

    fn named(name: &str) -> Self {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => Self::ALL,
        }
    }
}

fn union(types: impl Iterator<Item = Types>) -> Types {
    types.fold(Types::NONE, |all, one| all | one)
}

impl std::ops::BitAnd for Types {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::BitOr for Types {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::fmt::Display for Types {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [(u8, &str); 7] = [
            (1, "null"),
            (2, "true or false"),
            (8, "a number"),
            (4, "a whole number"),
            (16, "text"),
            (32, "a list"),
            (64, "an object"),
        ];
        let whole = |bit| bit == 4 && self.0 & 8 != 0;
        let named: Vec<_> = NAMES
            .iter()
            .filter(|(bit, _)| self.0 & bit != 0 && !whole(*bit))
            .map(|(_, name)| *name)
            .collect();
        match named.as_slice() {
            [] => f.write_str("nothing"),
            named => f.write_str(&named.join(" or ")),
        }
    }
}

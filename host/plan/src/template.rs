use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::bounded::is_shallow;
use crate::brief::brief;
use crate::pointer::{PointerError, escaped};
use crate::reference::{FROM, Reference, ReferenceError};

/// The input of a step: JSON in which [references](Reference) stand for values from the goal or from earlier steps.
/// Everything else is literal. A field whose name is `$from` is written `$$from`, `$$from` is written `$$$from`, and so
/// on.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Part);

/// A node of a template. Some of its references may have been replaced by their values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// A value without references. Its field names are unescaped and never read as references again.
    Literal(Value),
    From(Reference),
    Object(BTreeMap<String, Part>),
    Array(Vec<Part>),
}

/// The reason that a JSON value is not a template. Places are JSON pointers into the value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    #[error("nested more than {max} levels deep", max = Template::LEVELS)]
    TooDeep,
    #[error("{count} references; at most {max} are allowed", max = Template::REFERENCES)]
    TooManyReferences { count: usize },
    #[error(
        "`{place}`: a reference is {{\"$from\": \"goal\" or the id of a step, \"at\": a JSON pointer}} and nothing \
         else; write `$$from` for a field that is named `$from`"
    )]
    Reference { place: String },
    #[error("`{place}`: bad `at`")]
    At { place: String, source: PointerError },
}

impl Template {
    /// The most levels of nesting.
    pub const LEVELS: usize = 32;
    /// The most references in one template. Each copies a value whose size another party picks.
    pub const REFERENCES: usize = 64;
    /// The largest input after references are filled in, in bytes of JSON.
    pub const FILLED: usize = 2 * 1024 * 1024;

    pub fn new(value: Value) -> Result<Self, TemplateError> {
        if !is_shallow(&value, Self::LEVELS) {
            return Err(TemplateError::TooDeep);
        }
        let part = Part::parse(value, &mut String::new())?;
        let count = part.references().len();
        if count > Self::REFERENCES {
            return Err(TemplateError::TooManyReferences { count });
        }
        Ok(Self(part))
    }

    /// Makes a template that means exactly `value`, even if a field is named `$from`.
    pub fn literal(value: Value) -> Self {
        Self(Part::Literal(value))
    }

    /// Makes an object with these fields.
    pub fn object(fields: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self(Part::object(fields.into_iter().map(|(name, Self(part))| (name, part)).collect()))
    }

    /// Returns all references, in the order of their places.
    pub fn references(&self) -> Vec<&Reference> {
        self.0.references()
    }

    /// Writes the template as JSON: the inverse of [`Self::new`].
    pub fn to_value(&self) -> Value {
        self.0.to_value()
    }

    pub(crate) fn part(&self) -> &Part {
        &self.0
    }
}

impl From<Reference> for Template {
    fn from(reference: Reference) -> Self {
        Self(Part::From(reference))
    }
}

impl Part {
    fn parse(value: Value, place: &mut String) -> Result<Self, TemplateError> {
        match value {
            Value::Object(fields) if fields.contains_key(FROM) => reference(&fields, place),
            Value::Object(fields) => {
                let mut parts = BTreeMap::new();
                for (name, field) in fields {
                    let part = below(place, &name, |place| Self::parse(field, place))?;
                    parts.insert(unescape(name), part);
                }
                Ok(Self::object(parts))
            }
            Value::Array(items) => {
                let mut parts = Vec::with_capacity(items.len());
                for (i, item) in items.into_iter().enumerate() {
                    parts.push(below(place, &i.to_string(), |place| Self::parse(item, place))?);
                }
                Ok(Self::array(parts))
            }
            other => Ok(Self::Literal(other)),
        }
    }

    /// Makes a literal if all fields are literal.
    fn object(parts: BTreeMap<String, Self>) -> Self {
        if !parts.values().all(|part| matches!(part, Self::Literal(_))) {
            return Self::Object(parts);
        }
        let values = parts.into_iter().filter_map(|(name, part)| Some((name, part.into_literal()?)));
        Self::Literal(Value::Object(values.collect()))
    }

    fn array(parts: Vec<Self>) -> Self {
        if !parts.iter().all(|part| matches!(part, Self::Literal(_))) {
            return Self::Array(parts);
        }
        Self::Literal(Value::Array(parts.into_iter().filter_map(Self::into_literal).collect()))
    }

    /// Returns the value if no reference is left.
    pub(crate) fn into_literal(self) -> Option<Value> {
        if let Self::Literal(value) = self { Some(value) } else { None }
    }

    pub(crate) fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::From(reference) => vec![reference],
            Self::Object(parts) => parts.values().flat_map(Self::references).collect(),
            Self::Array(parts) => parts.iter().flat_map(Self::references).collect(),
        }
    }

    /// Replaces references by the values that `follow` returns. Keeps a reference if it returns `None`.
    pub(crate) fn bind<E>(
        &self,
        follow: &mut impl FnMut(&Reference) -> Result<Option<Value>, E>,
    ) -> Result<Self, E> {
        match self {
            Self::Literal(value) => Ok(Self::Literal(value.clone())),
            Self::From(reference) => {
                Ok(follow(reference)?.map_or_else(|| Self::From(reference.clone()), Self::Literal))
            }
            Self::Object(parts) => {
                let bound = parts.iter().map(|(name, part)| Ok((name.clone(), part.bind(follow)?)));
                bound.collect::<Result<_, E>>().map(Self::object)
            }
            Self::Array(parts) => {
                parts.iter().map(|part| part.bind(follow)).collect::<Result<_, E>>().map(Self::array)
            }
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Literal(value) => escape(value),
            Self::From(reference) => reference.to_value(),
            Self::Object(parts) => {
                Value::Object(parts.iter().map(|(name, part)| (escape_name(name), part.to_value())).collect())
            }
            Self::Array(parts) => parts.iter().map(Self::to_value).collect(),
        }
    }
}

fn reference(fields: &Map<String, Value>, place: &str) -> Result<Part, TemplateError> {
    Reference::parse(fields).map(Part::From).map_err(|error| match error {
        ReferenceError::Malformed => TemplateError::Reference { place: brief(place) },
        ReferenceError::At(source) => TemplateError::At { place: brief(place), source },
    })
}

/// Runs `then` with `name` appended to `place`.
fn below<T>(place: &mut String, name: &str, then: impl FnOnce(&mut String) -> T) -> T {
    let length = place.len();
    place.push('/');
    place.push_str(&escaped(name));
    let done = then(place);
    place.truncate(length);
    done
}

/// Returns whether a name is `$from`, `$$from` and so on, and therefore needs escaping.
fn is_marked(name: &str) -> bool {
    name.strip_suffix("from").is_some_and(|dollars| !dollars.is_empty() && dollars.bytes().all(|b| b == b'$'))
}

fn unescape(mut name: String) -> String {
    if is_marked(&name) {
        name.remove(0);
    }
    name
}

fn escape_name(name: &str) -> String {
    if is_marked(name) { format!("${name}") } else { name.to_owned() }
}

fn escape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (escape_name(name), escape(field))).collect())
        }
        Value::Array(items) => items.iter().map(escape).collect(),
        other => other.clone(),
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

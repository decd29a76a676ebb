//! JSON Schemas that a component brings and that meet values a peer picks: neither is believed.

mod bounds;
mod graph;
mod pattern;
mod tagged;
mod work;

use std::fmt;

use jsonschema::Validator;
use serde_json::Value;

use self::graph::Graph;
use crate::text::Text;

/// A JSON Schema (draft 2020-12 unless it says otherwise) that values can be checked against.
///
/// Patterns run on the linear-time engine: a peer picks the text that a pattern meets. References to
/// other documents are refused when the schema is built, so checking never leaves the process.
///
/// Nothing stops a check once it runs, so its length is bounded before it starts. What only grows with
/// the schema is refused by [`Schema::new`]: references that multiply, that nest too deeply or that never
/// go into the value. What also grows with the value is counted by [`Schema::check`] first, which takes at
/// most [`Schema::STEPS`] steps of counting and as many of checking, whatever the schema and the value.
pub struct Schema {
    source: Value,
    /// Of what the validator checks: the source with its tagged alternatives told apart.
    graph: Graph,
    validator: Validator,
}

/// Why a schema is not accepted. Places are JSON pointers into the schema.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema has {size} bytes; at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
    #[error("not a valid JSON Schema: {0}")]
    Invalid(String),
    #[error("`{place}` refers to `{target}`, which is not a place in the schema written as `#/…`")]
    Reference { place: String, target: String },
    #[error("`{place}` uses `{keyword}`, which is not supported")]
    Unsupported { place: String, keyword: &'static str },
    #[error("`{place}` leads back to itself without going into the value")]
    Endless { place: String },
    #[error("`{place}` is nested too deeply: with references followed, at most {max} levels are allowed")]
    TooDeep { place: String, max: usize },
    #[error("`{place}` is too large: with references followed, at most {max} subschemas are allowed")]
    TooBranched { place: String, max: u64 },
    #[error("the schema has {count} patterns; at most {max} are allowed")]
    TooManyPatterns { count: usize, max: usize },
}

impl Schema {
    /// Largest schema accepted, in bytes of JSON.
    pub const MAX: usize = 64 * 1024;
    /// Most subschemas of a schema once every reference is replaced by what it refers to (one that leads
    /// back to what it is part of counts as one).
    pub const SUBSCHEMAS: u64 = 10_000;
    /// Most levels of subschemas, counted in the same way.
    pub const DEPTH: usize = 200;
    /// Most patterns (`pattern`, `patternProperties`) of one schema.
    pub const PATTERNS: usize = 64;
    /// Most steps of one check: a step is one subschema at one place of the value, one option of an
    /// `enum` or 16 bytes of text; a byte that a pattern reads takes 8 to 512 steps.
    pub const STEPS: u64 = 20_000_000;

    pub fn new(source: Value) -> Result<Self, SchemaError> {
        let size = source.to_string().len();
        if size > Self::MAX {
            return Err(SchemaError::TooLarge { size, max: Self::MAX });
        }
        let graph = Graph::of(&source)?;
        bounds::check(&graph)?;
        let checked = tagged::told_apart(&source, &graph);
        let graph = Graph::of(&checked)?;
        let validator = jsonschema::options()
            .with_pattern_options(pattern::options())
            .build(&checked)
            .map_err(|error| SchemaError::Invalid(brief(&error.to_string())))?;
        Ok(Self { source, graph, validator })
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Why `value` does not fit, as a place and a reason; values are left out of it. A value that would
    /// take more than [`Self::STEPS`] steps does not fit.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.steps(value) > Self::STEPS {
            return Err("the value is too large, or nested too deeply, for its schema".to_owned());
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        // An explanation keeps an error for everything that was tried below a choice: memory, not only time.
        if work::explaining(&self.graph, value, EXPLAINED) > EXPLAINED {
            return Err("the value does not fit the schema".to_owned());
        }
        self.validator.validate(value).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the top level".to_owned() } else { format!("`{place}`") };
            brief(&format!("{place}: {}", error.masked()))
        })
    }

    /// The steps that [`Self::check`] counts for `value`. Counting stops once they are over [`Self::STEPS`].
    pub fn steps(&self, value: &Value) -> u64 {
        work::deciding(&self.graph, value, Self::STEPS)
    }
}

/// Steps below choices up to which a failed check is explained: each can leave an error of some hundred
/// bytes.
const EXPLAINED: u64 = 50_000;

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.source)
    }
}

/// Library messages can quote whole schemas, and names of properties that a peer or guest picked: a
/// sentence of plain text is enough.
fn brief(message: &str) -> String {
    const MAX: usize = 300;
    let brief: String = message.chars().take(MAX).collect();
    let mut brief = Text::sanitized(&brief).to_string();
    if message.chars().nth(MAX).is_some() {
        brief.push('…');
    }
    brief
}

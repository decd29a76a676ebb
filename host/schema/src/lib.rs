//! JSON Schemas that a component supplies, checked against values that a peer chooses. Both are untrusted.
//!
//! Pure: every check runs in a number of steps that is counted, and bounded, before it starts.

mod bounds;
mod graph;
mod pattern;
mod plain;
mod tagged;
mod work;

use std::fmt;

use jsonschema::Validator;
use serde_json::Value;

use self::graph::Graph;
use self::plain::brief;

/// A JSON Schema (draft 2020-12 unless it names another) to check values against.
///
/// Patterns run on the linear-time engine, because a peer chooses the text that they read. References to other
/// documents are refused when the schema is built, so a check never leaves the process.
///
/// A running check cannot be interrupted, so its length is bounded before it starts. [`Schema::new`] refuses
/// schemas whose cost grows with the schema alone: references that multiply, nest too deeply or never descend
/// into the value. [`Schema::check`] first counts the steps that depend on the value as well. It takes at most
/// [`Schema::STEPS`] steps to count and as many to check, for any schema and any value.
pub struct Schema {
    source: Value,
    /// Describes the schema that the validator runs: the source with its tagged alternatives separated.
    graph: Graph,
    validator: Validator,
}

/// The reason why a schema is refused. Places are JSON pointers into the schema.
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
    #[error("`{place}` refers back to itself without descending into the value")]
    Endless { place: String },
    #[error("`{place}` is nested too deeply: with references followed, at most {max} levels are allowed")]
    TooDeep { place: String, max: usize },
    #[error("`{place}` is too large: with references followed, at most {max} subschemas are allowed")]
    TooBranched { place: String, max: u64 },
    #[error("the schema has {count} patterns; at most {max} are allowed")]
    TooManyPatterns { count: usize, max: usize },
}

/// Steps below choices up to which a failed check is explained. Each step can leave an error of a few hundred
/// bytes in memory.
const EXPLAINED: u64 = 50_000;

impl Schema {
    /// Largest schema accepted, in bytes of JSON.
    pub const MAX: usize = 64 * 1024;
    /// Most subschemas of a schema with every reference replaced by its target. A reference to a schema that
    /// contains it counts as one.
    pub const SUBSCHEMAS: u64 = 10_000;
    /// Most levels of subschemas, counted in the same way.
    pub const DEPTH: usize = 200;
    /// Most patterns (`pattern`, `patternProperties`) in one schema.
    pub const PATTERNS: usize = 64;
    /// Most steps of one check. A step is one subschema at one place of the value, one option of an `enum`, or
    /// 16 bytes of text; each byte that a pattern reads takes 8 to 512 steps.
    pub const STEPS: u64 = 20_000_000;

    pub fn new(source: Value) -> Result<Self, SchemaError> {
        let size = source.to_string().len();
        if size > Self::MAX {
            return Err(SchemaError::TooLarge { size, max: Self::MAX });
        }
        let graph = Graph::of(&source)?;
        bounds::check(&graph)?;
        let separated = tagged::separated(&source, &graph);
        let graph = Graph::of(&separated)?;
        let validator = jsonschema::options()
            .with_pattern_options(pattern::options())
            .build(&separated)
            .map_err(|error| SchemaError::Invalid(brief(&error.to_string())))?;
        Ok(Self { source, graph, validator })
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Checks a value. The error is a place and a reason, and never repeats the value. A value that would need
    /// more than [`Self::STEPS`] steps is refused.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.steps(value) > Self::STEPS {
            return Err("the value is too large, or nested too deeply, for its schema".to_owned());
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        // To explain a failure, the validator keeps an error for everything that it tried below a choice. That
        // costs memory as well as time.
        if work::explaining(&self.graph, value, EXPLAINED) > EXPLAINED {
            return Err("the value does not fit the schema".to_owned());
        }
        self.validator.validate(value).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the top level".to_owned() } else { format!("`{place}`") };
            brief(&format!("{place}: {}", error.masked()))
        })
    }

    /// Counts the steps that [`Self::check`] would take for `value`, and stops counting above [`Self::STEPS`].
    pub fn steps(&self, value: &Value) -> u64 {
        work::deciding(&self.graph, value, Self::STEPS)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.source)
    }
}

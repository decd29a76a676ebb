use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::text::Text;

/// A JSON Schema (draft 2020-12 unless it says otherwise) that values can be checked against.
///
/// Patterns run on the linear-time engine: a peer picks the text that a pattern meets. References to
/// other documents are refused when the schema is built, so checking never leaves the process.
pub struct Schema {
    source: Value,
    validator: Validator,
}

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema has {size} bytes; at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
    #[error("not a valid JSON Schema: {0}")]
    Invalid(String),
}

impl Schema {
    /// Largest schema accepted, in bytes of JSON.
    pub const MAX: usize = 64 * 1024;

    pub fn new(source: Value) -> Result<Self, SchemaError> {
        let size = source.to_string().len();
        if size > Self::MAX {
            return Err(SchemaError::TooLarge { size, max: Self::MAX });
        }
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&source)
            .map_err(|error| SchemaError::Invalid(brief(&error.to_string())))?;
        Ok(Self { source, validator })
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The first way in which `value` does not fit, as a place and a reason; values are left out of it.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        self.validator.validate(value).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the top level".to_owned() } else { format!("`{place}`") };
            brief(&format!("{place}: {}", error.masked()))
        })
    }
}

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

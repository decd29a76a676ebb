use std::fmt;

use coworker_schema::{Schema, SchemaError};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::name::{NameError, SkillName};
use crate::text::{Text, TextError};

/// A component's own description of one of its skills, before it is checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Descriptor {
    pub name: String,
    pub version: String,
    pub description: String,
    pub when_to_use: String,
    pub category: String,
    /// JSON text.
    pub input_schema: String,
    /// JSON text.
    pub output_schema: String,
}

/// The part of a skill that a peer may see: the contract and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub name: SkillName,
    pub version: Version,
    pub description: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub when_to_use: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub category: Text,
    pub input_schema: Value,
    pub output_schema: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error("skill `{0}`: bad name")]
    Name(String, #[source] NameError),
    #[error("skill `{skill}`: `{version}` is not a version like 1.2.3")]
    Version { skill: SkillName, version: String },
    #[error("skill `{skill}`: bad {field}")]
    Text { skill: SkillName, field: &'static str, source: TextError },
    #[error("skill `{skill}`: its {field} is not JSON")]
    Json { skill: SkillName, field: &'static str, source: serde_json::Error },
    #[error("skill `{skill}`: bad {field}")]
    Schema { skill: SkillName, field: &'static str, source: SchemaError },
}

impl TryFrom<Descriptor> for Card {
    type Error = CardError;

    fn try_from(d: Descriptor) -> Result<Self, CardError> {
        let shown = Text::sanitized(&d.name.chars().take(64).collect::<String>()).to_string();
        let skill: SkillName = d.name.parse().map_err(|e| CardError::Name(shown, e))?;
        let version = Version::parse(&d.version).map_err(|_| CardError::Version {
            skill: skill.clone(),
            version: Text::sanitized(&d.version.chars().take(40).collect::<String>()).to_string(),
        })?;
        let text = |field, value: String| {
            Text::new(value).map_err(|source| CardError::Text { skill: skill.clone(), field, source })
        };
        Ok(Self {
            description: text("description", d.description)?,
            when_to_use: text("when-to-use", d.when_to_use)?,
            category: text("category", d.category)?,
            input_schema: schema(&skill, "input schema", &d.input_schema)?,
            output_schema: schema(&skill, "output schema", &d.output_schema)?,
            version,
            name: skill,
        })
    }
}

fn schema(skill: &SkillName, field: &'static str, json: &str) -> Result<Value, CardError> {
    let skill = || skill.clone();
    let bad = |source| CardError::Schema { skill: skill(), field, source };
    if json.len() > Schema::MAX {
        return Err(bad(SchemaError::TooLarge { size: json.len(), max: Schema::MAX }));
    }
    let value =
        serde_json::from_str(json).map_err(|source| CardError::Json { skill: skill(), field, source })?;
    Schema::new(value).map(|schema| schema.source().clone()).map_err(bad)
}

impl Card {
    /// The SHA-256 of the card as JSON with sorted keys; it changes when the contract does.
    pub fn hash(&self) -> Digest {
        // Every value in a card serialises, so the fallback is never used.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value.sort_all_objects();
        Digest::of(value.to_string().as_bytes())
    }
}

/// The hash of a list of cards, from their own hashes. It changes when a card is added, removed or changed.
pub fn list_hash(cards: impl IntoIterator<Item = Digest>) -> Digest {
    let hashes: Vec<u8> = cards.into_iter().flat_map(|card| *card.as_bytes()).collect();
    Digest::of(&hashes)
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

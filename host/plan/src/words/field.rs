//! Guesses the purpose of an input or output field from its name and type.

use coworker_policy::Card;
use serde_json::Value;

use super::word::{Key, keys_of_name, parts_of_name};
use crate::check::fit::fit;
use crate::check::place::{Fuel, Place, Types};
use crate::pointer::Pointer;

/// The fuel for reading the schemas of one skill.
const FUEL: u32 = 5_000;
/// The most fields that are read from one schema.
const FIELDS: usize = 32;

/// Names of fields that hold a skill's material or its result.
const CONTENT: [&str; 34] = [
    "text",
    "input",
    "content",
    "contents",
    "document",
    "doc",
    "body",
    "message",
    "prompt",
    "source",
    "article",
    "letter",
    "markdown",
    "html",
    "passage",
    "transcript",
    "summary",
    "result",
    "output",
    "answer",
    "report",
    "findings",
    "notes",
    "draft",
    "translation",
    "translated",
    "redacted",
    "rewritten",
    "description",
    "story",
    "response",
    "paragraph",
    "string",
    "value",
];
/// Names of fields that hold a question.
const QUESTION: [&str; 12] = [
    "query", "q", "question", "topic", "subject", "prompt", "search", "keywords", "about", "task", "request",
    "city",
];
/// Names of fields that describe content instead of holding it.
const ABOUT: [&str; 15] = [
    "language", "lang", "locale", "id", "format", "type", "style", "tone", "length", "count", "name",
    "title", "url", "currency", "code",
];
const LANGUAGE: [&str; 6] = ["language", "lang", "locale", "to", "target", "into"];
const SOURCE: [&str; 3] = ["from", "source", "original"];

/// One field of an input or an output.
#[derive(Debug)]
pub(super) struct Field<'s> {
    pub(super) name: String,
    pub(super) at: Pointer,
    pub(super) place: Place<'s>,
    pub(super) types: Types,
    pub(super) required: bool,
    parts: Vec<String>,
    pub(super) keys: Vec<Key>,
}

/// Returns the fields that a schema names at its top level: required ones first, then by name.
pub(super) fn fields(schema: &Value) -> Vec<Field<'_>> {
    let fuel = Fuel::new(FUEL);
    let whole = Place::whole(schema);
    let facets = whole.facets(&fuel);
    let required: Vec<_> = facets.required().collect();
    let mut names: Vec<_> = facets.named().chain(required.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| !required.contains(name));
    let field = |name: &str| {
        let place = whole.field(name, &fuel).promised(whole).first().copied()?;
        Field::new(name, place, required.contains(&name), &fuel)
    };
    names.into_iter().take(FIELDS).filter_map(field).collect()
}

/// Returns the fields of a skill's output, or the whole output if it names no fields.
pub(super) fn output_fields(card: &Card) -> Vec<Field<'_>> {
    let fields = fields(&card.output_schema);
    if !fields.is_empty() {
        return fields;
    }
    let place = Place::whole(&card.output_schema);
    let types = place.facets(&Fuel::new(FUEL)).types(&Fuel::new(FUEL));
    let whole = Field {
        name: card.name.to_string(),
        at: Pointer::default(),
        place,
        types,
        required: true,
        parts: Vec::new(),
        keys: keys_of_name(card.name.as_str()),
    };
    vec![whole]
}

/// Returns whether a schema allows an object.
pub(super) fn takes_object(schema: &Value) -> bool {
    let fuel = Fuel::new(FUEL);
    Place::whole(schema).facets(&fuel).types(&fuel).has(Types::OBJECT)
}

/// Returns whether a field of this name holds a skill's material.
pub(super) fn is_content_name(name: &str) -> bool {
    let parts = parts_of_name(name);
    let has = |names: &[&str]| parts.iter().any(|part| names.contains(&part.as_str()));
    has(&CONTENT) && !has(&ABOUT)
}

impl<'s> Field<'s> {
    fn new(name: &str, place: Place<'s>, required: bool, fuel: &Fuel) -> Option<Self> {
        let types = place.facets(fuel).types(fuel);
        Some(Self {
            at: Pointer::field(name)?,
            place,
            types,
            required,
            parts: parts_of_name(name),
            keys: keys_of_name(name),
            name: name.to_owned(),
        })
    }

    /// Returns whether the field takes free text only.
    pub(super) fn is_text(&self) -> bool {
        self.types.something() == Types::STRING && self.values().is_none()
    }

    pub(super) fn is_whole_number(&self) -> bool {
        !self.types.has(Types::STRING) && self.types.has(Types::INTEGER) && !self.types.has(Types::OBJECT)
    }

    /// Returns the allowed values if the schema lists them.
    pub(super) fn values(&self) -> Option<Vec<&'s Value>> {
        let fuel = Fuel::new(FUEL);
        let facets = self.place.facets(&fuel);
        // Each value can be an alternative of its own, with a description.
        let alternatives = || {
            let all = facets.choices.first()?.iter().map(|place| place.facets(&fuel).values());
            all.collect::<Option<Vec<_>>>().map(|values| values.concat())
        };
        facets.values().or_else(alternatives)
    }

    /// Returns whether the field holds a skill's material or result as text.
    pub(super) fn is_content(&self) -> bool {
        self.is_text() && self.is_one_of(&CONTENT) && !self.is_one_of(&ABOUT)
    }

    /// Returns whether the field holds a question as text.
    pub(super) fn is_question(&self) -> bool {
        self.is_text() && self.is_one_of(&QUESTION) && !self.is_one_of(&ABOUT)
    }

    /// Returns `None` if the field is not a language, otherwise whether it is the target language.
    pub(super) fn language(&self) -> Option<bool> {
        if !self.types.has(Types::STRING) || self.is_content() {
            return None;
        }
        if self.is_one_of(&SOURCE) {
            return Some(false);
        }
        self.is_one_of(&LANGUAGE).then_some(true)
    }

    /// Scores how well this output field suits the field `input`; 0 if it does not.
    pub(super) fn fitness(&self, input: &Field<'_>, only_text: bool) -> u32 {
        let alike = self.parts == input.parts && !self.parts.is_empty();
        let related = self.keys.iter().any(|key| input.keys.contains(key));
        let texts = self.is_text() && (input.is_content() || input.is_question() || input.is_text() && alike);
        let fitness = match () {
            () if texts && alike => 8,
            () if texts && (self.is_content() || related) => 6,
            () if texts && only_text && !self.is_one_of(&ABOUT) => 5,
            () if !input.is_content() && alike => 8,
            () if !input.is_text() && related => 5,
            () => 0,
        };
        if fitness > 0 && fit(self.place, input.place, &Fuel::new(FUEL)).is_ok() { fitness } else { 0 }
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        self.parts.iter().any(|part| names.contains(&part.as_str()))
    }
}

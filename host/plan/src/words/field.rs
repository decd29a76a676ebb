//! Fields of inputs and outputs: what they are for, by their names and types.

use coworker_policy::Card;
use serde_json::Value;

use super::word::{Key, keys_of_name, parts_of_name};
use crate::check::fit::fit;
use crate::check::place::{Fuel, Place, Types};
use crate::pointer::Pointer;

/// Steps of looking at the schemas of one skill.
const FUEL: u32 = 5_000;
/// Fields of one schema that are looked at.
const FIELDS: usize = 32;

/// Names of fields that hold what a skill works on or what it made.
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
/// Names of fields that hold what is asked.
const QUESTION: [&str; 12] = [
    "query", "q", "question", "topic", "subject", "prompt", "search", "keywords", "about", "task", "request",
    "city",
];
/// Names that say something about a content instead.
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

/// The fields that a schema names at its top; required ones first, else in the order of their names.
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

/// What an output consists of: its fields, or all of it where it has none.
pub(super) fn given(card: &Card) -> Vec<Field<'_>> {
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

/// Whether a schema is of an object, or may be.
pub(super) fn takes_object(schema: &Value) -> bool {
    let fuel = Fuel::new(FUEL);
    Place::whole(schema).facets(&fuel).types(&fuel).has(Types::OBJECT)
}

/// Whether a field of this name holds what a skill works on.
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

    /// Text and nothing else.
    pub(super) fn is_text(&self) -> bool {
        self.types.something() == Types::STRING && self.values().is_none()
    }

    pub(super) fn is_whole_number(&self) -> bool {
        !self.types.has(Types::STRING) && self.types.has(Types::INTEGER) && !self.types.has(Types::OBJECT)
    }

    /// All that it may be, where that is listed.
    pub(super) fn values(&self) -> Option<Vec<&'s Value>> {
        let fuel = Fuel::new(FUEL);
        let facets = self.place.facets(&fuel);
        // Each of them can be an alternative of its own, with a text that explains it.
        let told = || {
            let all = facets.choices.first()?.iter().map(|place| place.facets(&fuel).values());
            all.collect::<Option<Vec<_>>>().map(|values| values.concat())
        };
        facets.values().or_else(told)
    }

    /// Text that a skill works on or made.
    pub(super) fn is_content(&self) -> bool {
        self.is_text() && self.is_one_of(&CONTENT) && !self.is_one_of(&ABOUT)
    }

    /// Text that asks for something.
    pub(super) fn is_question(&self) -> bool {
        self.is_text() && self.is_one_of(&QUESTION) && !self.is_one_of(&ABOUT)
    }

    /// The language of a text; `None` if the field is something else, else whether it is the one to be reached.
    pub(super) fn language(&self) -> Option<bool> {
        if !self.types.has(Types::STRING) || self.is_content() {
            return None;
        }
        if self.is_one_of(&SOURCE) {
            return Some(false);
        }
        self.is_one_of(&LANGUAGE).then_some(true)
    }

    /// How well what this one gives is what `input` asks for; 0 for not at all.
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

//! The arguments of a caller, as an author declares them: names alone, or names with types and descriptions.

use coworker_policy::Text;
use serde_json::{Map, Value as Json, json};
use yaml_serde::{Mapping, Value};

use super::front::{list, shown};
use super::warning::Warning;
use super::yaml::text;

/// The most arguments, and the most values of an enumeration.
pub(super) const MAX: usize = 32;
const OPTIONS: usize = 16;
/// The longest description of an argument, and the longest option, in bytes.
const ABOUT: usize = 256;
const OPTION: usize = 32;

/// One declared argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub name: String,
    pub about: Text,
    pub kind: Kind,
    /// The values that it may have. Empty if any value of its kind is allowed.
    pub options: Vec<String>,
    pub required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
    List,
    Object,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "array",
            Self::Object => "object",
        }
    }

    /// Reads the name of a kind in any form that authors use: `str`, `String`, `int` …
    fn named(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "string" | "str" | "text" | "path" | "file" | "url" | "enum" | "any" => Self::Text,
            "number" | "float" | "double" => Self::Number,
            "integer" | "int" => Self::Integer,
            "boolean" | "bool" => Self::Boolean,
            "array" | "list" => Self::List,
            "object" | "dict" | "map" => Self::Object,
            _ => return None,
        })
    }
}

impl Argument {
    fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: Text::default(),
            kind: Kind::Text,
            options: Vec::new(),
            required: true,
        }
    }

    pub(super) fn schema(&self) -> Json {
        let mut schema = Map::from_iter([("type".to_owned(), json!(self.kind.name()))]);
        if !self.about.is_empty() {
            schema.insert("description".to_owned(), json!(self.about));
        }
        if !self.options.is_empty() && self.kind == Kind::Text {
            schema.insert("enum".to_owned(), json!(self.options));
        }
        Json::Object(schema)
    }
}

/// Reads the value of `arguments` in any of the forms that are in use.
pub(super) fn read(value: &Value, warnings: &mut Vec<Warning>) -> Vec<Argument> {
    let mut found = match value {
        Value::Sequence(items) => items.iter().flat_map(|item| of_item(item, warnings)).collect(),
        Value::Mapping(map) => of_map(map, warnings),
        Value::Tagged(tagged) => read(&tagged.value, warnings),
        other => list(other).iter().filter_map(|name| named(name, warnings)).collect(),
    };
    let mut seen = Vec::new();
    found.retain(|argument| !seen.contains(&argument.name) && (seen.push(argument.name.clone()), true).1);
    if found.len() > MAX {
        warnings.push(Warning::Many { what: "arguments", count: found.len(), max: MAX });
        found.truncate(MAX);
    }
    found
}

/// Reads an item of a list: a name, `{name: topic, type: …}` or `{topic: its description}`.
fn of_item(item: &Value, warnings: &mut Vec<Warning>) -> Vec<Argument> {
    let Value::Mapping(map) = item else {
        return text(item).and_then(|name| named(&name, warnings)).into_iter().collect();
    };
    match map.get("name").and_then(text) {
        Some(name) => named(&name, warnings).map(|a| detailed(a, map, warnings)).into_iter().collect(),
        None => of_map(map, warnings),
    }
}

/// Reads names with types or descriptions, or a JSON Schema with `properties` and `required`.
fn of_map(map: &Mapping, warnings: &mut Vec<Warning>) -> Vec<Argument> {
    if let Some(Value::Mapping(properties)) = map.get("properties") {
        let required: Vec<String> = map.get("required").map(list).unwrap_or_default();
        let mut found = of_map(properties, warnings);
        for argument in &mut found {
            argument.required = required.contains(&argument.name);
        }
        return found;
    }
    let entries = map.iter().filter_map(|(key, value)| {
        let argument = named(&text(key)?, warnings)?;
        Some(match value {
            Value::Mapping(details) => detailed(argument, details, warnings),
            other => meaning(argument, &text(other).unwrap_or_default(), warnings),
        })
    });
    entries.collect()
}

/// Reads the value of `topic: string`, which is a kind, or of `topic: the subject`, which is a description.
fn meaning(argument: Argument, said: &str, warnings: &mut Vec<Warning>) -> Argument {
    match Kind::named(said) {
        Some(kind) => Argument { kind, ..argument },
        None => Argument { about: shown(&argument.name, said, ABOUT, warnings), ..argument },
    }
}

fn detailed(argument: Argument, details: &Mapping, warnings: &mut Vec<Warning>) -> Argument {
    let said = |keys: &[&str]| keys.iter().find_map(|key| details.get(*key));
    let kind = said(&["type"]).and_then(text).and_then(|name| Kind::named(&name)).unwrap_or(Kind::Text);
    let about = said(&["description", "help", "desc"]).and_then(text).unwrap_or_default();
    let mut options = said(&["enum", "options", "choices"]).map(list).unwrap_or_default();
    options.retain(|option| option.len() <= OPTION && Text::new(option.as_str()).is_ok());
    options.truncate(OPTIONS);
    let optional = said(&["default"]).is_some() || said(&["optional"]) == Some(&Value::Bool(true));
    let required = match said(&["required"]) {
        Some(Value::Bool(required)) => *required,
        _ => !optional,
    };
    let about = shown(&argument.name, &about, ABOUT, warnings);
    Argument { about, kind, options, required, ..argument }
}

/// Reads a name that needs no quoting in JSON or in a prompt, also written as `<topic>` or `[topic]`.
fn named(written: &str, warnings: &mut Vec<Warning>) -> Option<Argument> {
    let optional = written.trim().starts_with('[') || written.trim().ends_with('?');
    let name = written.trim().trim_matches(['<', '>', '[', ']', '$', '{', '}', '?', ' ']);
    let within = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(within) {
        let found = written.chars().filter(|c| !c.is_control()).take(40).collect();
        warnings.push(Warning::Argument { found });
        return None;
    }
    Some(Argument { required: !optional, ..Argument::plain(name) })
}

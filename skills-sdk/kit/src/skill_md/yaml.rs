//! Reads YAML as it is, or else with quotes around plain values, which people forget.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use yaml_serde::Value;

/// The entries of a frontmatter in their order, with duplicate keys.
#[derive(Debug, Default)]
pub(super) struct Entries(pub(super) Vec<(String, Value)>);

/// A frontmatter that was read, and the way.
pub(super) enum Read {
    AsItIs(Entries),
    /// Read with quotes added. The text is the parser's message about the original.
    Quoted(Entries, String),
}

pub(super) fn read(front: &str) -> Result<Read, String> {
    let problem = match parse(front) {
        Ok(entries) => return Ok(Read::AsItIs(entries)),
        Err(problem) => problem,
    };
    let quoted_entries = parse(&quoted(front, Quote::Plain)).or_else(|_| parse(&quoted(front, Quote::All)));
    quoted_entries.map(|entries| Read::Quoted(entries, problem.clone())).map_err(|_| problem)
}

/// An error is one line without the wrong text, which may be private.
fn parse(front: &str) -> Result<Entries, String> {
    let entries: Option<Entries> = yaml_serde::from_str(front).map_err(|error| {
        let place = error.location().map(|at| format!("line {}, column {}: ", at.line() + 1, at.column()));
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        let said = said.split(" at line ").next().unwrap_or(said);
        let said: String = said.chars().filter(|c| !c.is_control()).take(160).collect();
        format!("{}{said}", place.unwrap_or_default())
    })?;
    Ok(entries.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Value, Value>()? {
            entries.push((text(&key).unwrap_or_default(), value));
        }
        Ok(Entries(entries))
    }
}

/// The text of a scalar, as YAML writes it.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Tagged(tagged) => text(&tagged.value),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// Quotes values that begin like plain text.
    Plain,
    /// Also quotes values that begin with a character of YAML's syntax.
    All,
}

/// Puts the value of each unindented `key: value` in single quotes, together with its continuation lines.
fn quoted(front: &str, quote: Quote) -> String {
    let mut lines = front.lines().peekable();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        let Some((key, value)) = entry(line).filter(|(_, value)| fits(value, quote)) else {
            out.push_str(&untabbed(line));
            out.push('\n');
            continue;
        };
        let mut value = unquoted(value, quote).to_owned();
        while let Some(more) = lines.next_if(|next| goes_on(next)) {
            value.push(' ');
            value.push_str(more.trim());
        }
        out.extend([key, ": '", &value.replace('\'', "''"), "'\n"]);
    }
    out
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = !key.is_empty() && key.chars().all(plain);
    (named && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (key, value.trim()))
}

fn fits(value: &str, quote: Quote) -> bool {
    let block = value.starts_with(['|', '>']);
    let begins = value.starts_with(['"', '\'', '[', '{', '&', '*', '!', '%', '@', '`', '#']);
    !value.is_empty() && !block && (quote == Quote::All || !begins)
}

fn unquoted(value: &str, quote: Quote) -> &str {
    let within = |mark: char| value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    let within = (quote == Quote::All).then(|| within('"').or_else(|| within('\''))).flatten();
    within.unwrap_or(value)
}

/// Whether a line after a plain value continues it: it is indented.
fn goes_on(line: &str) -> bool {
    line.starts_with([' ', '\t']) && !line.trim().is_empty()
}

/// Replaces tabs by spaces in the indentation, where YAML forbids tabs.
fn untabbed(line: &str) -> String {
    let rest = line.trim_start_matches([' ', '\t']);
    line[..line.len() - rest.len()].replace('\t', "  ") + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted_entries(front: &str) -> Vec<(String, String)> {
        let Ok(Read::Quoted(Entries(entries), _)) = read(front) else { panic!("{front}") };
        entries.iter().map(|(key, value)| (key.clone(), text(value).unwrap_or_default())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn invalid_values_are_read_as_if_quoted() {
        for (front, expected) in [
            (
                "name: a\ndescription: Use when: it's so",
                &[("name", "a"), ("description", "Use when: it's so")],
            ),
            ("name: a\ndescription: one: two\n  three", &[("name", "a"), ("description", "one: two three")]),
            ("name: a\ndescription: \"x\" and: y", &[("name", "a"), ("description", "\"x\" and: y")]),
            ("name: a\ndescription: @mention it", &[("name", "a"), ("description", "@mention it")]),
            ("name: a\ndescription: 'it's'", &[("name", "a"), ("description", "it's")]),
        ] {
            assert_eq!(quoted_entries(front), pairs(expected), "{front}");
        }
    }

    #[test]
    fn an_error_has_the_line_and_column() {
        let Err(problem) = read("a: 1\n- b\n") else { panic!() };
        assert!(problem.starts_with("line "), "{problem}");
        assert!(read("just words").is_err());
        assert!(matches!(read(""), Ok(Read::AsItIs(Entries(none))) if none.is_empty()));
    }
}

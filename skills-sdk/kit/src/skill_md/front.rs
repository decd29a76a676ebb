//! The keys of a frontmatter, with values of any kind.

use coworker_policy::Text;
use yaml_serde::{Mapping, Value};

use super::warning::Warning;
use super::yaml::{Entries, text};

/// A frontmatter as keys and values.
pub(super) struct Keys {
    entries: Vec<(String, Value)>,
    metadata: Mapping,
}

/// Keys that other programs act on and this one does not. All other unknown keys only describe.
const ACTED_ON: [&str; 18] = [
    "agent",
    "auto_invoke",
    "context",
    "dependencies",
    "disable_model_invocation",
    "effort",
    "hooks",
    "mcp_servers",
    "model",
    "paths",
    "permissions",
    "required_tools",
    "requires_secrets",
    "requires_tools",
    "shell",
    "tools_required",
    "user_invocable",
    "user_invokable",
];

impl Keys {
    /// Keeps the last of several entries with the same key.
    pub(super) fn new(Entries(found): Entries, warnings: &mut Vec<Warning>) -> Self {
        let mut entries: Vec<(String, Value)> = Vec::new();
        for (key, value) in found {
            let key = spelled(&key);
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => {
                    known.1 = value;
                    warnings.push(Warning::Duplicate { key: brief(&key) });
                }
                None => entries.push((key, value)),
            }
        }
        let metadata = entries.iter().find_map(|(key, value)| match value {
            Value::Mapping(map) if key == "metadata" => Some(map.clone()),
            _ => None,
        });
        Self { metadata: metadata.unwrap_or_default(), entries }
    }

    pub(super) fn any(&self, keys: &[&str]) -> Option<&Value> {
        let own = |key: &&str| self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        keys.iter().find_map(own).filter(|value| !value.is_null())
    }

    /// The value of a key in the frontmatter, or else in its `metadata`.
    pub(super) fn either(&self, key: &str) -> Option<&Value> {
        self.any(&[key])
            .or_else(|| self.metadata.get(key))
            .or_else(|| self.metadata.get(key.replace('_', "-")))
            .filter(|value| !value.is_null())
    }

    /// The text of a key, also if it is written as a list. Cuts a text that is too long.
    pub(super) fn text(&self, key: &str, max: usize, warnings: &mut Vec<Warning>) -> Text {
        let Some(value) = self.either(key) else { return Text::default() };
        let found = match value {
            Value::Sequence(_) => {
                warnings.push(Warning::Kind { key: key.to_owned(), wanted: "a text" });
                list(value).join(" ")
            }
            other => text(other).unwrap_or_else(|| {
                warnings.push(Warning::Kind { key: key.to_owned(), wanted: "a text" });
                String::new()
            }),
        };
        shown(key, &found, max, warnings)
    }

    /// The keys that other programs would act on.
    pub(super) fn acted_on(&self) -> Vec<String> {
        let acted_on = self.entries.iter().filter(|(key, _)| ACTED_ON.contains(&key.as_str()));
        acted_on.map(|(key, _)| brief(key)).collect()
    }
}

/// Maps `when-to-use`, `when_to_use` and `whenToUse` to one spelling.
fn spelled(key: &str) -> String {
    let key = key.trim().to_lowercase().replace(['-', ' '], "_");
    match key.as_str() {
        "whentouse" => "when_to_use".to_owned(),
        "allowedtools" => "allowed_tools".to_owned(),
        "argumenthint" => "argument_hint".to_owned(),
        _ => key,
    }
}

/// Reads a list, also one written as `a, b` or `a b`. Does not split text in brackets.
pub(super) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().filter_map(text).map(|item| item.trim().to_owned()).collect(),
        Value::Tagged(tagged) => list(&tagged.value),
        other => words(&text(other).unwrap_or_default()),
    }
}

fn words(said: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let apart = |c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    };
    said.split(apart).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The text as it can be shown: without control characters, trimmed, at most `max` bytes.
pub(super) fn shown(key: &str, said: &str, max: usize, warnings: &mut Vec<Warning>) -> Text {
    let said = said.trim();
    let mut end = max.min(Text::MAX).min(said.len());
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    if end < said.len() {
        warnings.push(Warning::Cut { key: brief(key), max });
    }
    let plain = Text::sanitized(said[..end].trim_end());
    if plain.as_str() != said[..end].trim_end() {
        warnings.push(Warning::Unprintable { key: brief(key) });
    }
    plain
}

/// A key, short and printable, for a warning.
pub(super) fn brief(key: &str) -> String {
    Text::sanitized(&key.chars().take(40).collect::<String>()).as_str().replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_every_form() {
        for (yaml, expected) in [
            ("[Read, Write]", &["Read", "Write"][..]),
            ("- Read\n- Bash(git add:*)", &["Read", "Bash(git add:*)"]),
            ("Read, Write", &["Read", "Write"]),
            ("Read Bash(git add:*) Write", &["Read", "Bash(git add:*)", "Write"]),
            ("'Read,Write'", &["Read", "Write"]),
            ("7", &["7"]),
            ("~", &[]),
        ] {
            assert_eq!(list(&yaml_serde::from_str(yaml).unwrap()), expected, "{yaml}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut warnings = Vec::new();
        assert_eq!(shown("k", " 主题主题 ", 7, &mut warnings).as_str(), "主题");
        assert_eq!(warnings, [Warning::Cut { key: "k".into(), max: 7 }]);
        assert_eq!(shown("k", "a\u{1b}b", 10, &mut warnings).as_str(), "a\u{fffd}b");
        assert_eq!(warnings[1], Warning::Unprintable { key: "k".into() });
    }
}

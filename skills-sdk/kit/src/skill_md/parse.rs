//! Reads the bytes of a SKILL.md.

use std::collections::BTreeSet;
use std::str::Utf8Error;

use coworker_policy::{SkillName, Text};
use semver::Version;
use yaml_serde::Value;

use super::arguments::{self, Argument};
use super::body::{Front, split};
use super::contract::{FIRST_VERSION, Wishes};
use super::front::{Keys, brief, list, shown};
use super::placeholder::{self, Mention, Place};
use super::warning::Warning;
use super::yaml::{self, Entries, Read, text};
use super::{Input, SkillMd};

/// The longest texts that peers see, in bytes.
const DESCRIPTION: usize = 2048;
const WHEN_TO_USE: usize = 2048;
const HINT: usize = 256;
/// The most names in the body that are taken for placeholders without the author's declaration.
const GUESSES: usize = 16;
/// The shortest line, in characters, that is reported if the frontmatter repeats it.
const LINE: usize = 20;

/// The reason that a file is not a skill.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillMdError {
    #[error("the file has {size} bytes; at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
    #[error("the file is in UTF-16; save it as UTF-8")]
    Utf16,
    #[error("the file is not text in UTF-8")]
    NotUtf8(#[source] Utf8Error),
    #[error("the frontmatter has {size} bytes; at most {max} are allowed")]
    FrontTooLarge { size: usize, max: usize },
    #[error("the frontmatter is not YAML: {problem}")]
    Yaml { problem: String },
    #[error("there are no instructions after the frontmatter")]
    Empty,
    #[error("neither its name nor its folder's contains a-z or 0-9; give it another name")]
    Unnamed,
}

impl SkillMd {
    /// The largest file in bytes.
    pub const MAX: usize = 1024 * 1024;
    /// The largest frontmatter in bytes. The bound is small, because YAML can repeat its content.
    pub const MAX_FRONT: usize = 32 * 1024;

    /// Reads a file. `called` is the name of its folder or of the file itself, and names the skill if the
    /// frontmatter does not. The owner's `wishes` replace the author's values.
    pub fn parse(bytes: &[u8], called: &str, wishes: &Wishes) -> Result<Self, SkillMdError> {
        let parts = split(decoded(bytes)?);
        if parts.body.trim().is_empty() {
            return Err(SkillMdError::Empty);
        }
        let mut warnings = Vec::new();
        let entries = match &parts.front {
            Front::Yaml(front) => entries(front, &mut warnings)?,
            Front::None => noted(Warning::NoFrontmatter, &mut warnings),
            Front::Unended => noted(Warning::Unended, &mut warnings),
        };
        let front = if let Front::Yaml(front) = &parts.front { front.as_str() } else { "" };
        let keys = Keys::new(entries, &mut warnings);
        let name = name(&keys, called, wishes, &mut warnings).ok_or(SkillMdError::Unnamed)?;
        let description = description(&keys, &name, &mut warnings);
        let when_to_use = keys.text("when_to_use", WHEN_TO_USE, &mut warnings);
        let skill = Self {
            version: wishes.version.clone().unwrap_or_else(|| version(&keys, front, &mut warnings)),
            when_to_use: wishes.when_to_use.clone().unwrap_or(when_to_use),
            category: category(&keys),
            input: input(&keys, &parts.body, &mut warnings),
            allowed_tools: keys.any(&["allowed_tools", "tools"]).map(list).unwrap_or_default(),
            body: parts.body,
            name,
            description,
            warnings,
        };
        Ok(skill.with_the_rest(&keys))
    }

    /// Adds the warnings about the skill as a whole, after all others.
    fn with_the_rest(mut self, keys: &Keys) -> Self {
        if !self.allowed_tools.is_empty() {
            let tools = self.allowed_tools.iter().map(|tool| brief(tool)).collect();
            self.warnings.push(Warning::Tools { tools });
        }
        let commands = placeholder::shell_commands(&self.body);
        if commands > 0 {
            self.warnings.push(Warning::Shell { commands });
        }
        let ignored = keys.acted_on();
        if !ignored.is_empty() {
            self.warnings.push(Warning::Ignored { keys: ignored });
        }
        let lines = self.repeated();
        if lines > 0 {
            self.warnings.push(Warning::Repeated { lines });
        }
        self
    }

    /// Counts the lines of the body that a public text has, too.
    fn repeated(&self) -> usize {
        let public = self.public_texts();
        let long = |line: &&str| line.chars().count() >= LINE;
        let lines = self.body.lines().map(str::trim).filter(long);
        lines.filter(|line| public.iter().any(|text| text.contains(line))).count()
    }
}

fn decoded(bytes: &[u8]) -> Result<&str, SkillMdError> {
    if bytes.len() > SkillMd::MAX {
        return Err(SkillMdError::TooLarge { size: bytes.len(), max: SkillMd::MAX });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(SkillMdError::Utf16);
    }
    str::from_utf8(bytes).map_err(SkillMdError::NotUtf8)
}

fn noted(warning: Warning, warnings: &mut Vec<Warning>) -> Entries {
    warnings.push(warning);
    Entries::default()
}

fn entries(front: &str, warnings: &mut Vec<Warning>) -> Result<Entries, SkillMdError> {
    if front.len() > SkillMd::MAX_FRONT {
        return Err(SkillMdError::FrontTooLarge { size: front.len(), max: SkillMd::MAX_FRONT });
    }
    match yaml::read(front).map_err(|problem| SkillMdError::Yaml { problem })? {
        Read::AsItIs(entries) => Ok(entries),
        Read::Quoted(entries, problem) => {
            warnings.push(Warning::Quoted { problem });
            Ok(entries)
        }
    }
}

fn name(keys: &Keys, called: &str, wishes: &Wishes, warnings: &mut Vec<Warning>) -> Option<SkillName> {
    if let Some(name) = &wishes.name {
        return Some(name.clone());
    }
    let written = keys.any(&["name"]).and_then(text).filter(|name| !name.trim().is_empty());
    let from = written.as_deref().unwrap_or(called).trim();
    let folder = slug(called);
    let name = slug(from).or_else(|| folder.clone())?;
    if name.as_str() != from {
        warnings.push(Warning::Renamed { from: brief(from), to: name.to_string() });
    }
    if let Some(folder) = folder.filter(|folder| *folder != name) {
        warnings.push(Warning::Folder { folder: folder.to_string(), name: name.to_string() });
    }
    Some(name)
}

/// Makes a skill's name of any text, or `None` if it has no allowed character.
fn slug(text: &str) -> Option<SkillName> {
    let mut slug = String::new();
    for c in text.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' | '.' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let cut: String = slug.trim_start_matches(['-', '_', '.']).chars().take(64).collect();
    cut.trim_end_matches(['-', '.']).parse().ok()
}

fn description(keys: &Keys, name: &SkillName, warnings: &mut Vec<Warning>) -> Text {
    let said = keys.text("description", DESCRIPTION, warnings);
    if !said.is_empty() {
        return said;
    }
    // A line of the body must not replace it: the body is private.
    warnings.push(Warning::NoDescription);
    Text::sanitized(&format!("The skill {name}."))
}

fn category(keys: &Keys) -> Text {
    let said = keys.either("category").and_then(text).and_then(|said| slug(&said));
    said.map_or_else(|| Text::sanitized("prompt"), |said| Text::sanitized(said.as_str()))
}

/// Reads the version as it is written, because YAML reads 1.10 as the number 1.1.
fn version(keys: &Keys, front: &str, warnings: &mut Vec<Warning>) -> Version {
    let Some(value) = keys.either("version") else { return FIRST_VERSION };
    let written = match value {
        Value::Number(_) => front.lines().find_map(|line| {
            let said = line.trim_start().strip_prefix("version:")?;
            said.split_whitespace().next().map(str::to_owned)
        }),
        other => text(other),
    };
    let written = written.or_else(|| text(value)).unwrap_or_default();
    lenient(&written).unwrap_or_else(|| {
        warnings.push(Warning::Version { found: brief(&written) });
        FIRST_VERSION
    })
}

/// Reads `1`, `1.2` and `v1.2.0` as versions, too.
fn lenient(written: &str) -> Option<Version> {
    let plain = written.trim().trim_start_matches(['v', 'V']);
    let tried = [plain.to_owned(), format!("{plain}.0"), format!("{plain}.0.0")];
    tried.iter().filter(|version| version.len() <= 64).find_map(|version| Version::parse(version).ok())
}

fn input(keys: &Keys, body: &str, warnings: &mut Vec<Warning>) -> Input {
    let declared = keys.any(&["arguments", "args", "inputs", "parameters"]);
    let declared = declared.map(|value| arguments::read(value, warnings)).unwrap_or_default();
    if !declared.is_empty() {
        return Input::Declared(declared);
    }
    let mentions = placeholder::mentions(body);
    let whole = mentions.iter().any(|mention| mention.what == Place::Whole);
    let places = places(&mentions);
    if whole || places > 0 {
        let hint = keys.any(&["argument_hint"]).map(|hint| match hint {
            // YAML reads `[topic]` as a list.
            Value::Sequence(_) => list(hint).join(" "),
            other => text(other).unwrap_or_default(),
        });
        let hint = hint.map(|hint| shown("argument-hint", &hint, HINT, warnings));
        return Input::Shell { places, whole, hint: hint.filter(|hint| !hint.is_empty()) };
    }
    guessed(&mentions, warnings)
}

/// Counts `$1`, `$2` … up to the first gap. A number after a gap is a sum of money.
fn places(mentions: &[Mention<'_>]) -> u8 {
    let there = |nth: u8| mentions.iter().any(|m| m.what == Place::Nth(nth) && !m.in_code);
    (1..=9).take_while(|nth| there(*nth)).last().unwrap_or(0)
}

fn guessed(mentions: &[Mention<'_>], warnings: &mut Vec<Warning>) -> Input {
    let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
    for mention in mentions.iter().filter(|mention| !mention.in_code) {
        if let Place::Braces(name) | Place::Dollar(name) = mention.what
            && seen.insert(name)
        {
            names.push(name.to_owned());
        }
    }
    if names.len() > GUESSES {
        warnings.push(Warning::TooManyGuesses { count: names.len() });
        return Input::Free;
    }
    if names.is_empty() {
        return Input::Free;
    }
    warnings.push(Warning::Guessed { names: names.clone() });
    Input::Guessed(names)
}

impl Input {
    /// The name of the argument that a place in the body means, or `None` for plain text.
    pub(super) fn meant(&self, mention: &Mention<'_>) -> Option<String> {
        match (self, mention.what) {
            (Self::Declared(arguments), Place::Braces(name) | Place::Dollar(name)) => {
                arguments.iter().find(|argument| argument.name == name).map(named)
            }
            (Self::Declared(arguments), Place::Nth(nth)) => {
                arguments.get(usize::from(nth).checked_sub(1)?).map(named)
            }
            (Self::Guessed(names), Place::Braces(name) | Place::Dollar(name)) if !mention.in_code => {
                names.iter().find(|known| *known == name).cloned()
            }
            (Self::Shell { .. }, Place::Whole) => Some(WHOLE.to_owned()),
            (Self::Shell { places, .. }, Place::Nth(nth)) if nth <= *places => Some(nth_name(nth)),
            _ => None,
        }
    }
}

fn named(argument: &Argument) -> String {
    argument.name.clone()
}

/// The name of the argument for all of the caller's words.
pub(super) const WHOLE: &str = "arguments";

pub(super) fn nth_name(nth: u8) -> String {
    format!("arg{nth}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> SkillMd {
        SkillMd::parse(text.as_bytes(), "folder", &Wishes::default()).unwrap()
    }

    #[test]
    fn any_text_becomes_a_valid_name() {
        for (text, expected) in [
            ("PDF Filler", Some("pdf-filler")),
            ("  --a__b.c-- ", Some("a__b.c")),
            ("Überweisung!", Some("berweisung")),
            ("主题", None),
            ("", None),
            ("@scope/name", Some("scope-name")),
        ] {
            assert_eq!(slug(text).as_ref().map(SkillName::as_str), expected, "{text}");
        }
        assert_eq!(slug(&"x".repeat(100)).unwrap().as_str().len(), 64);
    }

    #[test]
    fn versions_are_read_leniently_and_as_written() {
        for (front, expected) in [
            ("version: 1.2.3", "1.2.3"),
            ("version: \"v2\"", "2.0.0"),
            ("version: 1.10", "1.10.0"),
            ("metadata:\n  version: 0.20", "0.20.0"),
            ("version: latest", "1.0.0"),
            ("name: a", "1.0.0"),
        ] {
            assert_eq!(parsed(&format!("---\n{front}\n---\nDo.")).version.to_string(), expected, "{front}");
        }
    }

    #[test]
    fn a_file_that_is_not_a_skill_is_refused_with_the_reason() {
        for (bytes, expected) in [
            (b"\xff\xfea\0".to_vec(), "UTF-16"),
            (b"a\xff".to_vec(), "UTF-8"),
            (vec![b'a'; SkillMd::MAX + 1], "1048577 bytes"),
            (b"---\nname: a\n---\n \n".to_vec(), "no instructions"),
            (b"---\n- a\n- b\n---\nDo.".to_vec(), "not YAML"),
            ("---\nname: 主题\n---\nDo.".into(), "another name"),
            (format!("---\na: {}\n---\nDo.", "x".repeat(SkillMd::MAX_FRONT)).into_bytes(), "frontmatter has"),
        ] {
            let error = SkillMd::parse(&bytes, "主", &Wishes::default()).unwrap_err();
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
    }
}

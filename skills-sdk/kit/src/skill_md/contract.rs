//! The two parts of a SKILL.md as a skill: its contract, which is public, and its package, which is private.

use coworker_policy::{Descriptor, SkillName, Text};
use semver::Version;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::folder::{Attached, Folder};
use super::parse::{WHOLE, nth_name};
use super::warning::Warning;
use super::{Input, SkillMd, placeholder};

/// The version of a skill whose author gives none.
pub(super) const FIRST_VERSION: Version = Version::new(1, 0, 0);

/// The most bytes of all files that go into the prompt: some 32,000 tokens, half of the budget of one call by an
/// INTERNAL peer.
const SHOWN: usize = 96 * 1024;

/// The reason for asking for a model, which the consent screen shows.
const WHY: &str = "its instructions are carried out by your language model";

/// The owner's values, which replace the author's.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub name: Option<SkillName>,
    pub version: Option<Version>,
    pub when_to_use: Option<Text>,
}

/// Everything that is packed with the component that runs the skill.
#[derive(Debug)]
pub struct Package {
    /// The text of `skill.toml`.
    pub manifest: String,
    /// Assets with their paths. All are private except `contract.json`, which peers see.
    pub files: Vec<(String, Vec<u8>)>,
}

/// The assets that every [`Package`] has.
pub const PACKED: [&str; 3] = ["contract.json", "prompt.md", "plan.json"];

/// The files beside the prompt, in the order in which the component reads them.
#[derive(Serialize)]
struct Plan<'a> {
    shown: Vec<&'a str>,
    named: Vec<&'a str>,
}

impl SkillMd {
    /// The public part: everything that a peer may see.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: self.name.to_string(),
            version: self.version.to_string(),
            description: self.description.to_string(),
            when_to_use: self.when_to_use.to_string(),
            category: self.category.to_string(),
            input_schema: self.input.schema().to_string(),
            output_schema: output().to_string(),
        }
    }

    /// The texts of the descriptor that a person wrote.
    pub(super) fn public_texts(&self) -> Vec<String> {
        let mut texts = vec![self.description.to_string(), self.when_to_use.to_string()];
        match &self.input {
            Input::Declared(arguments) => texts.extend(arguments.iter().map(|a| a.about.to_string())),
            Input::Shell { hint, .. } => texts.extend(hint.iter().map(ToString::to_string)),
            Input::Guessed(_) | Input::Free => {}
        }
        texts
    }

    /// The instructions, with a reference in each place that means a caller's value.
    pub fn prompt(&self) -> String {
        placeholder::referring(&self.body, |mention| self.input.meant(mention))
    }

    /// Returns the package that makes a component of the skill, and warnings about its files.
    pub fn package(&self, folder: &Folder) -> (Package, Vec<Warning>) {
        let (shown, named) = divided(&folder.files);
        let mut warnings = folder.warnings.clone();
        let scripts = folder.files.iter().filter(|file| file.is_script()).count();
        if scripts > 0 {
            warnings.push(Warning::Scripts { files: scripts });
        }
        let unread: Vec<String> =
            named.iter().filter(|file| !file.is_script()).map(|file| file.path.clone()).collect();
        if !unread.is_empty() {
            warnings.push(Warning::NotShown { files: unread });
        }
        let paths = |files: &[&'_ Attached]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        let (shown, named) = (paths(&shown), paths(&named));
        let plan = Plan {
            shown: shown.iter().map(String::as_str).collect(),
            named: named.iter().map(String::as_str).collect(),
        };
        let own = [json(&self.descriptor()), self.prompt().into_bytes(), json(&plan)];
        let mut files: Vec<_> = PACKED.iter().map(|path| (*path).to_owned()).zip(own).collect();
        files.extend(folder.files.iter().map(|file| (format!("files/{}", file.path), file.bytes.clone())));
        (Package { manifest: self.manifest(), files }, warnings)
    }

    fn manifest(&self) -> String {
        format!(
            "name = \"{}\"\nversion = \"{}\"\n\n[[request]]\ncapability = \"llm\"\nwhy = \"{WHY}\"\n",
            self.name, self.version
        )
    }
}

/// Divides files into those whose text goes into the prompt, in order, and those of which only the name does.
fn divided(files: &[Attached]) -> (Vec<&Attached>, Vec<&Attached>) {
    let mut left = SHOWN;
    let mut readable: Vec<&Attached> =
        files.iter().filter(|file| file.is_text() && !file.is_script()).collect();
    // The instructions refer to files in references/, so those come first.
    readable.sort_by_key(|file| (!file.path.starts_with("references/"), file.path.clone()));
    readable.retain(|file| match left.checked_sub(file.bytes.len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    let named = files.iter().filter(|file| !readable.iter().any(|shown| shown.path == file.path)).collect();
    (readable, named)
}

/// Cannot fail: structs of plain data with strings as keys always serialise.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn output() -> Value {
    let result = json!({ "type": "string", "description": "What the skill answers." });
    json!({
        "type": "object",
        "properties": { "result": result },
        "required": ["result"],
        "additionalProperties": false,
    })
}

impl Input {
    /// The JSON Schema of a caller's input, which is always an object.
    pub fn schema(&self) -> Value {
        let mut properties = Map::new();
        let mut required: Vec<String> = Vec::new();
        let mut text = |name: &str, about: &str| {
            let mut schema = Map::from_iter([("type".to_owned(), json!("string"))]);
            if !about.is_empty() {
                schema.insert("description".to_owned(), json!(about));
            }
            properties.insert(name.to_owned(), Value::Object(schema));
        };
        match self {
            Self::Declared(arguments) => {
                for argument in arguments {
                    properties.insert(argument.name.clone(), argument.schema());
                    required.extend(argument.required.then(|| argument.name.clone()));
                }
            }
            Self::Shell { places, whole, hint } => {
                let about = hint.as_ref().map_or("", Text::as_str);
                for nth in 1..=*places {
                    text(&nth_name(nth), if nth == 1 && !whole { about } else { "" });
                    required.push(nth_name(nth));
                }
                if *whole {
                    text(WHOLE, about);
                    required.extend((*places == 0).then(|| WHOLE.to_owned()));
                }
            }
            Self::Guessed(names) => {
                for name in names {
                    text(name, "");
                }
                text(FREE, "What is wanted, in your own words.");
            }
            Self::Free => {
                text(FREE, "What is wanted, in your own words.");
                required.push(FREE.to_owned());
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        match self {
            Self::Guessed(_) => schema["minProperties"] = json!(1),
            _ if required.is_empty() => {}
            _ => schema["required"] = json!(required),
        }
        schema
    }
}

/// The name of the one text if the skill has no arguments.
const FREE: &str = "input";

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coworker_api::ApiError;
use coworker_api::ops::ComponentInfo;
use coworker_policy::{Capability, ErrorCode, Tier};
use serde::Deserialize;
use serde_json::Value;

use super::project::Project;

/// Most cases in a file. Each is one call of a tier, and strangers have 60 in a minute.
const MOST: usize = 50;

/// One file of example cases.
#[derive(Debug)]
pub(crate) struct Examples {
    /// From the project's folder.
    pub(crate) file: String,
    pub(crate) given: Given,
    pub(crate) cases: Vec<Case>,
}

/// The settings of the trial for the component.
#[derive(Debug)]
pub(crate) struct Given {
    /// The lowest tier that sees its skills.
    pub(crate) from: Tier,
    pub(super) grants: Vec<Permitted>,
    pub(super) config: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Permitted {
    pub(super) capability: Capability,
    #[serde(default)]
    pub(super) to: Vec<String>,
    pub(super) from: Option<Tier>,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// `None` if the component has only one.
    skill: Option<String>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) input: Value,
    pub(crate) expected: Expected,
}

/// The expected outcome of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    Output(Value),
    /// The output has at least this.
    Contains(Value),
    Error {
        code: ErrorCode,
        message: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWire {
    #[serde(default = "known")]
    from: Tier,
    #[serde(default)]
    grant: Vec<Permitted>,
    #[serde(default)]
    config: BTreeMap<String, String>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    #[serde(default)]
    case: Vec<CaseWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseWire {
    name: Option<String>,
    skill: Option<String>,
    #[serde(rename = "as")]
    tiers: Option<TiersWire>,
    input: Option<Value>,
    /// TOML has no null.
    input_json: Option<String>,
    output: Option<Value>,
    output_json: Option<String>,
    contains: Option<Value>,
    error: Option<ErrorCode>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TiersWire {
    One(String),
    Several(Vec<String>),
}

fn known() -> Tier {
    Tier::Known
}

impl Examples {
    /// Every `tests/*.toml` of a project, in the order of their names.
    pub(crate) fn read(project: &Project) -> Result<Vec<Self>, ApiError> {
        let folder = project.dir.join("tests");
        let mut paths: Vec<PathBuf> = folder.read_dir().map_or_else(
            |_| Vec::new(),
            |entries| {
                entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| toml(path)).collect()
            },
        );
        paths.sort();
        if paths.is_empty() {
            let message = format!("there are no example cases in {}", folder.display());
            return Err(wrong(message).hint("write tests/examples.toml; docs/skills.md has every key"));
        }
        paths.iter().map(|path| Self::of(project, path)).collect()
    }

    fn of(project: &Project, path: &Path) -> Result<Self, ApiError> {
        let file = path.strip_prefix(&project.dir).unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot read {file}: {error}")))?;
        Self::parse(&project.dir, &text)
            .map(|cases| Self { file: file.clone(), ..cases })
            .map_err(|what| wrong(format!("{file}: {what}")))
    }

    fn parse(dir: &Path, text: &str) -> Result<Self, String> {
        let wire: FileWire = toml::from_str(text).map_err(|error| error.to_string())?;
        if wire.case.is_empty() || wire.case.len() > MOST {
            return Err(format!("it has {} cases, not 1 to {MOST}", wire.case.len()));
        }
        let from = wire.from;
        let grants = wire.grant.into_iter().map(|grant| grant.within(dir)).collect();
        let given = Given { from, grants, config: wire.config, secrets: wire.secrets };
        let cases = (1..).zip(wire.case).map(|(number, case)| {
            let name = case.name.clone().unwrap_or_else(|| format!("case {number}"));
            case.read(name.clone(), from).map_err(|what| format!("[[case]] \"{name}\" {what}"))
        });
        Ok(Self { file: String::new(), given, cases: cases.collect::<Result<_, _>>()? })
    }
}

impl Case {
    /// The skill that is called, as the component has it.
    pub(crate) fn skill<'a>(&'a self, component: &'a ComponentInfo) -> Result<&'a str, ApiError> {
        let has = |name: &str| component.skills.iter().any(|skill| skill.name.as_str() == name);
        let names: Vec<&str> = component.skills.iter().map(|skill| skill.name.as_str()).collect();
        match (&self.skill, &names[..]) {
            (Some(name), _) if has(name) => Ok(name),
            (None, [only]) => Ok(only),
            (Some(name), _) => Err(wrong(format!(
                "[[case]] \"{}\": there is no skill `{name}`, but {}",
                self.name,
                names.join(", ")
            ))),
            (None, _) => {
                Err(wrong(format!("[[case]] \"{}\": `skill` names one of {}", self.name, names.join(", "))))
            }
        }
    }
}

impl CaseWire {
    fn read(self, name: String, from: Tier) -> Result<Case, String> {
        let tiers = match self.tiers {
            None => Tier::ALL.into_iter().filter(|tier| *tier >= from).collect(),
            Some(TiersWire::One(tier)) => vec![named(&tier)?],
            Some(TiersWire::Several(tiers)) if tiers.is_empty() => return Err("is for no tier".to_owned()),
            Some(TiersWire::Several(tiers)) => {
                tiers.iter().map(|tier| named(tier)).collect::<Result<_, _>>()?
            }
        };
        let input = one("input", self.input, self.input_json)?;
        let output = one("output", self.output, self.output_json)?;
        let expected = match (output, self.contains, self.error) {
            (Some(output), None, None) => Expected::Output(output),
            (None, Some(part), None) => Expected::Contains(part),
            (None, None, Some(code)) => Expected::Error { code, message: self.message.clone() },
            (None, None, None) => return Err("says none of `output`, `contains`, `error`".to_owned()),
            _ => return Err("says more than one of `output`, `contains`, `error`".to_owned()),
        };
        if self.message.is_some() && !matches!(expected, Expected::Error { .. }) {
            return Err("has a `message` without an `error`".to_owned());
        }
        let input = input.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Ok(Case { name, skill: self.skill, tiers, input, expected })
    }
}

impl Permitted {
    /// Folders of the project may be named from there: `read fixtures`.
    fn within(mut self, dir: &Path) -> Self {
        if self.capability == Capability::Files {
            for rule in &mut self.to {
                if let Some((mode, path)) = rule.split_once(' ') {
                    *rule = format!("{mode} {}", dir.join(path.trim()).display());
                }
            }
        }
        self
    }
}

fn named(tier: &str) -> Result<Tier, String> {
    tier.parse().map_err(|error| format!("has a wrong `as`: {error}"))
}

/// A value, written as TOML or as JSON text.
fn one(what: &str, toml: Option<Value>, json: Option<String>) -> Result<Option<Value>, String> {
    match (toml, json) {
        (Some(_), Some(_)) => Err(format!("has both `{what}` and `{what}_json`")),
        (None, Some(text)) => match serde_json::from_str(&text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(format!("has a `{what}_json` that is no JSON: {error}")),
        },
        (value, None) => Ok(value),
    }
}

fn toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn wrong(message: String) -> ApiError {
    ApiError::new(ErrorCode::Usage, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Examples, String> {
        Examples::parse(Path::new("/project"), text)
    }

    #[test]
    fn a_case_without_a_tier_is_for_every_tier_that_sees_the_skill() {
        let cases = read("from = \"internal\"\n[[case]]\noutput = 1\n").unwrap();
        let case = &cases.cases[0];
        assert_eq!(case.tiers, [Tier::Internal, Tier::Privileged]);
        assert_eq!((case.name.as_str(), &case.input), ("case 1", &json!({})));
        let named = read("[[case]]\nas = [\"untrusted\", \"known\"]\ncontains = {}\n").unwrap();
        assert_eq!(named.cases[0].tiers, [Tier::Untrusted, Tier::Known]);
    }

    #[test]
    fn null_is_written_as_json() {
        let cases = read("[[case]]\ninput_json = '{\"a\": null}'\noutput_json = 'null'\n").unwrap();
        assert_eq!(cases.cases[0].input, json!({ "a": null }));
        assert_eq!(cases.cases[0].expected, Expected::Output(Value::Null));
    }

    #[test]
    fn folders_are_named_from_the_project() {
        let text = "[[grant]]\ncapability = \"files\"\nto = [\"read fixtures\", \"write /tmp\"]\n[[case]]\noutput = 1\n";
        assert_eq!(read(text).unwrap().given.grants[0].to, ["read /project/fixtures", "write /tmp"]);
    }

    #[test]
    fn a_case_that_makes_no_sense_is_told_by_its_name() {
        for (case, told) in [
            ("", "\"case 1\" says none of"),
            ("name = \"both\"\noutput = 1\nerror = \"DEADLINE\"", "\"both\" says more than one"),
            ("output = 1\nmessage = \"a\"", "without an `error`"),
            ("output = 1\ninput = 1\ninput_json = \"1\"", "both `input` and"),
            ("output_json = \"{\"", "no JSON"),
            ("output = 1\nas = []", "no tier"),
            ("output = 1\nas = \"friend\"", "wrong `as`"),
            ("error = \"NOPE\"", "NOPE"),
            ("outputs = 1", "unknown field"),
        ] {
            let error = read(&format!("[[case]]\n{case}\n")).unwrap_err();
            assert!(error.contains(told), "{told}: {error}");
        }
        assert!(read("").unwrap_err().contains("0 cases"));
        assert!(read(&"[[case]]\noutput = 1\n".repeat(MOST + 1)).unwrap_err().contains("51 cases"));
    }
}

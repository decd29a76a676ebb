use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::SkillError;
use crate::schema;

/// The author's description of a skill, beyond its types.
#[derive(Clone, Debug)]
pub struct Meta {
    /// 1 to 64 characters of `a-z`, `0-9`, `-`, `_` and `.`; the first is a letter or a digit.
    pub name: &'static str,
    /// A semantic version.
    pub version: &'static str,
    /// The situation in which a caller should choose this skill; may be empty.
    pub when_to_use: &'static str,
    /// One word for grouping skills; may be empty.
    pub category: &'static str,
    /// The lines of the doc comment.
    pub doc: &'static [&'static str],
}

/// The contract of a skill, as the host stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A typed function with JSON texts as input and output.
pub struct Skill {
    meta: Meta,
    input_schema: fn() -> String,
    output_schema: fn() -> String,
    run: Box<Run>,
}

type Run = dyn Fn(&str) -> Result<String, SkillError>;

/// All skills of a crate, registered by [`skills!`](crate::skills).
pub struct Component {
    skills: Vec<Skill>,
}

impl Meta {
    /// Describes a skill by its name, version and doc comment only.
    pub const fn of(name: &'static str, version: &'static str, doc: &'static [&'static str]) -> Self {
        Self { name, version, when_to_use: "", category: "", doc }
    }

    /// Joins the wrapped lines of each paragraph into one line.
    fn description(&self) -> String {
        let lines: Vec<&str> = self.doc.iter().map(|line| line.trim()).collect();
        let paragraphs = lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty());
        paragraphs.map(|paragraph| paragraph.join(" ")).collect::<Vec<_>>().join("\n")
    }
}

impl Skill {
    pub fn new<I, O, F>(meta: Meta, function: F) -> Self
    where
        I: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(I) -> Result<O, SkillError> + 'static,
    {
        let run = move |input: &str| {
            let input =
                serde_json::from_str(input).map_err(|why| SkillError::InvalidInput(why.to_string()))?;
            let output = function(input)?;
            serde_json::to_string(&output).map_err(|why| SkillError::Other(why.to_string()))
        };
        Self {
            meta,
            input_schema: schema::input::<I>,
            output_schema: schema::output::<O>,
            run: Box::new(run),
        }
    }

    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: self.meta.name.to_owned(),
            version: self.meta.version.to_owned(),
            description: self.meta.description(),
            when_to_use: self.meta.when_to_use.to_owned(),
            category: self.meta.category.to_owned(),
            input_schema: (self.input_schema)(),
            output_schema: (self.output_schema)(),
        }
    }
}

impl Component {
    pub fn new(skills: Vec<Skill>) -> Self {
        Self { skills }
    }

    pub fn describe(&self) -> Vec<Descriptor> {
        self.skills.iter().map(Skill::descriptor).collect()
    }

    /// Runs one skill on JSON text and returns its result as JSON text.
    ///
    /// # Errors
    /// [`SkillError::InvalidInput`] if `input` is not JSON of the skill's input type, [`SkillError::Other`] if there
    /// is no such skill, otherwise the error of the skill.
    pub fn invoke(&self, skill: &str, input: &str) -> Result<String, SkillError> {
        let found = self.skills.iter().find(|known| known.meta.name == skill);
        let skill = found.ok_or_else(|| SkillError::Other("this component has no such skill".to_owned()))?;
        (skill.run)(input)
    }
}

//! Reads a SKILL.md as a skill, with a public and a private part.
//!
//! The public part ([`SkillMd::descriptor`]) has only values of the frontmatter and the names of placeholders. The body
//! and the files beside it are in the private part ([`SkillMd::prompt`], [`Attached`]). A [`Warning`] tells the owner of
//! each text that was not taken as it is written, and of each command that is not run.

mod arguments;
mod body;
mod contract;
mod folder;
mod front;
mod parse;
mod placeholder;
mod warning;
mod yaml;

pub use arguments::{Argument, Kind};
pub use contract::{PACKED, Package, Wishes};
pub use folder::{Attached, Folder, FolderError};
pub use parse::SkillMdError;
pub use warning::Warning;

use coworker_policy::{SkillName, Text};
use semver::Version;

/// One SKILL.md, read.
#[derive(Clone, Debug, PartialEq)]
pub struct SkillMd {
    pub name: SkillName,
    pub version: Version,
    pub description: Text,
    pub when_to_use: Text,
    pub category: Text,
    pub input: Input,
    /// The tools that other programs would grant it. Nothing grants or runs them here.
    pub allowed_tools: Vec<String>,
    /// The private instructions. Lines end with `\n`.
    pub body: String,
    /// In the order in which they were found.
    pub warnings: Vec<Warning>,
}

/// The input of a caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The author declared these.
    Declared(Vec<Argument>),
    /// The body has `$ARGUMENTS` or `$1`, `$2` …; `hint` is the author's description of them.
    Shell { places: u8, whole: bool, hint: Option<Text> },
    /// The body has `{name}` or `$name`, which may or may not mean a caller's value.
    Guessed(Vec<String>),
    /// One text.
    Free,
}

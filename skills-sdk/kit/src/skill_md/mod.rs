//! A SKILL.md as a skill: what of it peers may see, what stays at home, and what is not run.
//!
//! Only what its author wrote into the frontmatter, and the names of placeholders, is ever in the public part
//! ([`SkillMd::descriptor`]); the body and the files beside it are in the private one ([`SkillMd::prompt`],
//! [`Attached`]). Whoever reads it is told by [`Warning`]s what was taken differently from how it is written.

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
    /// What other programs would let it use. Nothing of it is granted or run here.
    pub allowed_tools: Vec<String>,
    /// The instructions: private. Lines end with `\n`.
    pub body: String,
    /// In the order in which they were noticed.
    pub warnings: Vec<Warning>,
}

/// What a caller gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The author declared these.
    Declared(Vec<Argument>),
    /// `$ARGUMENTS` or `$1`, `$2` … stand in the body; with what the author says of them.
    Shell { places: u8, whole: bool, hint: Option<Text> },
    /// `{name}` or `$name` stand in the body, and may or may not mean that a caller gives them.
    Guessed(Vec<String>),
    /// One text.
    Free,
}

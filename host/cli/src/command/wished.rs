//! The owner's replacements for an author's words in a SKILL.md.

use clap::Args;
use coworker_api::ApiError;
use coworker_kit::skill_md::Wishes;
use coworker_policy::{ErrorCode, SkillName, Text, TextError};
use semver::Version;

use super::skill::rule::quoted;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Wished {
    /// Replace the author's name for the skill
    #[arg(long)]
    name: Option<SkillName>,

    /// Replace the author's text on when to use the skill
    #[arg(long, value_name = "TEXT", value_parser = text)]
    when_to_use: Option<Text>,

    /// Replace the author's version
    #[arg(long)]
    version: Option<Version>,
}

impl Wished {
    pub(crate) fn wishes(&self) -> Wishes {
        let Self { name, version, when_to_use } = self.clone();
        Wishes { name, version, when_to_use }
    }

    /// Refuses replacements for anything but a SKILL.md: a component describes itself.
    pub(crate) fn only_for(&self, skill_md: bool) -> Result<(), ApiError> {
        if skill_md || self.typed().is_empty() {
            return Ok(());
        }
        let message = "--name, --when-to-use and --version are for one SKILL.md";
        Err(ApiError::new(ErrorCode::Usage, message).hint("a component's are in its skill.toml or its code"))
    }

    /// As it is typed, with a space before each.
    pub(crate) fn typed(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" --name {name}"));
        let when = self.when_to_use.as_ref().map(|text| format!(" --when-to-use {}", quoted(text.as_str())));
        let version = self.version.as_ref().map(|version| format!(" --version {version}"));
        [name, when, version].into_iter().flatten().collect()
    }
}

fn text(typed: &str) -> Result<Text, TextError> {
    Text::new(typed.to_owned())
}

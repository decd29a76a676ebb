use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::GrantError;
use crate::tier::Tier;

/// A folder that a skill may use: `read /folder` or `write /folder`, the path absolute and without `..`.
///
/// The guest sees it under the folder's own name: `/home/ada/reports` is `/reports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRule {
    path: PathBuf,
    write: bool,
}

impl FileRule {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn writes(&self) -> bool {
        self.write
    }

    /// Where the guest finds the folder.
    pub fn mount(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy());
        format!("/{}", name.unwrap_or_default())
    }

    /// Writing is for PRIVILEGED callers, unless the grant was given to PRIVILEGED only or moved by hand:
    /// below, a folder that may be written is one that may be read.
    pub(super) fn for_tier(&self, tier: Tier, from: Tier) -> Option<Self> {
        let lowered = from < Tier::Internal;
        let write = self.write && (tier == Tier::Privileged || lowered);
        Some(Self { path: self.path.clone(), write })
    }
}

impl FromStr for FileRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let bad = || GrantError::File(text.chars().take(200).collect());
        let (mode, path) = text.trim().split_once(' ').ok_or_else(bad)?;
        let write = match mode {
            "read" => false,
            "write" => true,
            _ => return Err(bad()),
        };
        let path = Path::new(path.trim());
        let plain = path.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
        if path.is_absolute() && plain && path.file_name().is_some() {
            Ok(Self { path: path.components().collect(), write })
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for FileRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.write { "write" } else { "read" };
        write!(f, "{mode} {}", self.path.display())
    }
}

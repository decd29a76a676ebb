use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::{GrantError, shown};
use crate::text::Text;
use crate::tier::Tier;

/// A folder that a skill may use: `read /folder` or `write /folder`, with an absolute path without `..`. `write`
/// includes reading.
///
/// The guest sees it under the folder's own name: `/home/ada/reports` as `/reports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRule {
    path: PathBuf,
    write: bool,
}

impl FileRule {
    /// Longest path accepted, in bytes.
    pub const MAX: usize = 1024;

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn writes(&self) -> bool {
        self.write
    }

    /// The path of the folder in the guest.
    pub fn mount(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy());
        format!("/{}", name.unwrap_or_default())
    }

    /// The rule for a caller of `tier`. With a `from`, the whole rule applies from that tier up. Without one, INTERNAL
    /// callers read and PRIVILEGED callers also write.
    pub(super) fn for_tier(&self, tier: Tier, from: Option<Tier>) -> Option<Self> {
        let (reads, writes) = (from.unwrap_or(Tier::Internal), from.unwrap_or(Tier::Privileged));
        (tier >= reads).then(|| Self { path: self.path.clone(), write: self.write && tier >= writes })
    }

    /// Adds a rule to those of a call. Each folder appears once, with the widest access that was granted.
    pub(super) fn join(self, rules: &mut Vec<Self>) {
        match rules.iter_mut().find(|rule| rule.path == self.path) {
            Some(rule) => rule.write |= self.write,
            None => rules.push(self),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (mode, path) = text.trim().split_once(' ')?;
        let write = match mode {
            "read" => false,
            "write" => true,
            _ => return None,
        };
        let path = path.trim();
        // The path must fit on one line of the audit log.
        if path.len() > Self::MAX || path.contains(['\n', '\t']) || Text::new(path).is_err() {
            return None;
        }
        let path = Path::new(path);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        let fits = path.is_absolute() && !climbs && path.file_name().is_some();
        let path: PathBuf = path.components().collect();
        // A path that ends in a space could not be written into a rule again.
        let plain = path.to_str().is_some_and(|path| path.trim() == path);
        (fits && plain).then_some(Self { path, write })
    }
}

impl FromStr for FileRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Self::parse(text).ok_or_else(|| GrantError::File(shown(text)))
    }
}

impl fmt::Display for FileRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.write { "write" } else { "read" };
        write!(f, "{mode} {}", self.path.display())
    }
}

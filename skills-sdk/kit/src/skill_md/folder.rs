//! The files beside a SKILL.md.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::warning::Warning;

/// The most files, and the most bytes of all files: less than the assets of a component may have.
const FILES: usize = 900;
const BYTES: usize = 12 * 1024 * 1024;
/// The longest path and the deepest folder that assets may have.
const PATH: usize = 240;
const DEPTH: usize = 12;

/// Folders that tools generate and authors do not mean to pack.
const MADE: [&str; 4] = ["node_modules", "target", "__pycache__", "venv"];

/// A skill's files, without the SKILL.md.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// In the order of their paths.
    pub files: Vec<Attached>,
    pub warnings: Vec<Warning>,
}

/// One file: private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// From the folder, with `/` between names.
    pub path: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("more than {FILES} files are beside it; give the skill its own folder")]
    TooMany,
    #[error("the files beside it have more than {BYTES} bytes; give the skill its own folder")]
    TooLarge,
}

impl Attached {
    /// Whether it can be part of a prompt.
    pub fn is_text(&self) -> bool {
        str::from_utf8(&self.bytes).is_ok_and(|text| !text.contains('\0'))
    }

    /// Whether it is a program for other hosts. Nothing runs it here.
    pub fn is_script(&self) -> bool {
        self.path.starts_with("scripts/")
    }
}

impl Folder {
    /// Reads the files beside `skill_md`. Leaves out hidden files, links and nested skills.
    pub fn beside(skill_md: &Path) -> Result<Self, FolderError> {
        let mut folder = Self::default();
        let dir = skill_md.parent().unwrap_or(Path::new("."));
        let mut reading = Reading { skill_md, left: BYTES, folder: &mut folder };
        reading.dir(dir, "", 0)?;
        folder.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(folder)
    }
}

struct Reading<'a> {
    skill_md: &'a Path,
    left: usize,
    folder: &'a mut Folder,
}

impl Reading<'_> {
    fn dir(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), FolderError> {
        let unread = |source| FolderError::Read { path: dir.to_owned(), source };
        let mut entries: Vec<_> =
            fs::read_dir(dir).map_err(unread)?.collect::<Result<_, _>>().map_err(unread)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let kind = entry.file_type().map_err(unread)?;
            let shown = format!("{prefix}{name}");
            if name.starts_with('.') || MADE.contains(&name.as_str()) || path == self.skill_md {
                continue;
            }
            match unfit(&shown, depth, kind, &path) {
                Some(why) => self.folder.warnings.push(Warning::LeftOut { path: plain(&shown), why }),
                None if kind.is_dir() => self.dir(&path, &format!("{shown}/"), depth + 1)?,
                None => self.file(&path, shown)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, shown: String) -> Result<(), FolderError> {
        let unread = |source| FolderError::Read { path: path.to_owned(), source };
        // Checks the size first, so that no file larger than the rest of the budget is read.
        let size = usize::try_from(fs::metadata(path).map_err(unread)?.len()).unwrap_or(usize::MAX);
        if self.folder.files.len() == FILES {
            return Err(FolderError::TooMany);
        }
        self.left = self.left.checked_sub(size).ok_or(FolderError::TooLarge)?;
        let bytes = fs::read(path).map_err(unread)?;
        self.folder.files.push(Attached { path: shown, bytes });
        Ok(())
    }
}

fn unfit(shown: &str, depth: usize, kind: fs::FileType, path: &Path) -> Option<&'static str> {
    if !kind.is_dir() && !kind.is_file() {
        // A link could add a file that the author did not mean to share.
        return Some("links are not followed");
    }
    if shown.len() > PATH || depth >= DEPTH || shown.contains(|c: char| c.is_control() || "\\:".contains(c)) {
        return Some("such a path cannot be packed");
    }
    (kind.is_dir() && path.join("SKILL.md").is_file()).then_some("a skill of its own")
}

fn plain(path: &str) -> String {
    path.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

//! A SKILL.md and the files beside it, as the one file that is installed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use coworker_agent::pack;
use coworker_api::ApiError;
use coworker_kit::skill_md::{Folder, Package, SkillMd, Warning, Wishes};
use coworker_policy::{Card, ErrorCode};
use tempfile::TempDir;

/// The component that runs it. Built by `cargo xtask skills`.
const RUNNER: &[u8] = include_bytes!("../../../../skills-sdk/built/prompt-runner.wasm");

const NAME: &str = "SKILL.md";

/// One SKILL.md, read with all that goes along.
pub(crate) struct Wrapped {
    /// Absolute.
    pub(crate) file: PathBuf,
    pub(crate) skill: SkillMd,
    pub(crate) folder: Folder,
    package: Package,
    /// Of the text and of the files.
    pub(crate) warnings: Vec<Warning>,
}

/// A component in a folder that goes with this.
pub(crate) struct Packed {
    pub(crate) path: PathBuf,
    _dir: TempDir,
}

/// The SKILL.md that `path` means: a text file, or a folder that has one and no `skill.toml`.
pub(crate) fn skill_md(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return found_in(path).filter(|_| !path.join("skill.toml").exists());
    }
    let text = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
    (text && path.is_file()).then(|| path.to_owned())
}

fn found_in(dir: &Path) -> Option<PathBuf> {
    [NAME, "skill.md", "Skill.md"].iter().map(|name| dir.join(name)).find(|path| path.is_file())
}

/// Every SKILL.md in a folder and the folders in it, in the order of their paths.
pub(crate) fn skill_mds(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    search(dir, 0, &mut found);
    found.sort();
    found
}

fn search(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    /// Folders within each other that are looked into, and most files that are found.
    const DEPTH: usize = 8;
    const MOST: usize = 2000;
    found.extend(found_in(dir).filter(|_| found.len() < MOST));
    let Ok(entries) = dir.read_dir() else { return };
    let inner = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.') || name == "node_modules";
        // A link is no folder here, and so no way round in a circle.
        !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    inner.filter(|_| depth < DEPTH).for_each(|entry| search(&entry.path(), depth + 1, found));
}

impl Wrapped {
    pub(crate) fn open(file: &Path, wishes: &Wishes) -> Result<Self, ApiError> {
        let file = fs::canonicalize(file).map_err(|error| unreadable(file, &error))?;
        let named = file.file_name().is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        let called = if named { file.parent().and_then(Path::file_name) } else { file.file_stem() };
        let called = called.unwrap_or_default().to_string_lossy().into_owned();
        let skill = SkillMd::parse(&read(&file)?, &called, wishes).map_err(|error| bad(&file, &error))?;
        // A text with another name than SKILL.md may lie anywhere, so files beside it are not its own.
        let folder = if named {
            Folder::beside(&file).map_err(|error| bad(&file, &error))?
        } else {
            Folder::default()
        };
        let (package, more) = skill.package(&folder);
        let warnings = skill.warnings.iter().cloned().chain(more).collect();
        Ok(Self { file, skill, folder, package, warnings })
    }

    /// All that a peer may see.
    pub(crate) fn card(&self) -> Result<Card, ApiError> {
        Card::try_from(self.skill.descriptor()).map_err(|error| bad(&self.file, &error))
    }

    /// Packs it, below the temporary directory of this user.
    pub(crate) fn pack(&self) -> Result<Packed, ApiError> {
        let unmade = |error: std::io::Error| {
            ApiError::new(ErrorCode::Usage, format!("cannot make a temporary directory: {error}"))
        };
        let dir = tempfile::Builder::new().prefix("coworker-wrap-").tempdir().map_err(unmade)?;
        let assets = dir.path().join("assets");
        for (path, bytes) in &self.package.files {
            let path = assets.join(path);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, bytes))
                .map_err(unmade)?;
        }
        let packed =
            pack(RUNNER, Some(&self.package.manifest), &assets).map_err(|error| bad(&self.file, &error))?;
        let path = dir.path().join(format!("{}.wasm", self.skill.name));
        fs::write(&path, packed).map_err(unmade)?;
        Ok(Packed { path, _dir: dir })
    }
}

/// At most a byte more than is accepted.
fn read(file: &Path) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let most = SkillMd::MAX as u64 + 1;
    let read = File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(file, &error))?;
    Ok(bytes)
}

fn bad(file: &Path, error: &(dyn std::error::Error + 'static)) -> ApiError {
    let why = ApiError::fault(error).message;
    ApiError::new(ErrorCode::BadComponent, format!("{}: {why}", file.display()))
}

fn unreadable(file: &Path, error: &std::io::Error) -> ApiError {
    ApiError::new(ErrorCode::Usage, format!("cannot read {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_folder_with_a_project_is_no_skill_md() {
        let dir = folder(&[("a/SKILL.md", "x"), ("b/SKILL.md", "x"), ("b/skill.toml", ""), ("c/d.md", "x")]);
        let found = |path: &str| skill_md(&dir.path().join(path)).is_some();
        assert_eq!([found("a"), found("a/SKILL.md"), found("c/d.md")], [true; 3]);
        assert_eq!([found("b"), found("c"), found("none.md"), found("b/skill.toml")], [false; 4]);
    }

    #[test]
    fn a_search_finds_them_all_and_follows_no_link() {
        let dir =
            folder(&[("z/SKILL.md", "x"), ("a/b/SKILL.md", "x"), (".git/SKILL.md", "x"), ("n/x.md", "x")]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/round")).unwrap();
        let found = skill_mds(dir.path());
        let expected = ["a/b/SKILL.md", "z/SKILL.md"].map(|path| dir.path().join(path));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_lies_beside_a_text_of_another_name_is_not_its_own() {
        let dir = folder(&[
            ("notes.md", "Do it."),
            ("private.txt", "x"),
            ("s/SKILL.md", "Do it."),
            ("s/a.txt", "x"),
        ]);
        let open = |path: &str| Wrapped::open(&dir.path().join(path), &Wishes::default()).unwrap();
        assert_eq!((open("notes.md").skill.name.as_str(), open("notes.md").folder.files.len()), ("notes", 0));
        assert_eq!((open("s/SKILL.md").skill.name.as_str(), open("s/SKILL.md").folder.files.len()), ("s", 1));
    }

    #[test]
    fn what_is_packed_is_the_runner_with_its_files() {
        let dir = folder(&[("s/SKILL.md", "Do it.")]);
        let wrapped = Wrapped::open(&dir.path().join("s/SKILL.md"), &Wishes::default()).unwrap();
        let packed = wrapped.pack().unwrap();
        let bytes = fs::read(&packed.path).unwrap();
        assert!(bytes.starts_with(RUNNER) && bytes.len() > RUNNER.len());
        assert_eq!(packed.path.file_name().unwrap(), "s.wasm");
    }
}

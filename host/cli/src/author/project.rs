use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use coworker_api::ApiError;
use coworker_kit::Target;
use coworker_policy::{ErrorCode, Request};
use serde::Deserialize;

const MANIFEST: &str = "skill.toml";

/// A folder with a `skill.toml`.
#[derive(Debug)]
pub(crate) struct Project {
    /// Absolute.
    pub(crate) dir: PathBuf,
    /// The text of `skill.toml`, which is packed as it is.
    pub(crate) manifest: String,
    pub(crate) request: Request,
    pub(super) recipe: Recipe,
}

/// How its component comes to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// Cargo compiles it, for the first of these that it can.
    Rust(Vec<Target>),
    /// Other tools made it.
    Made(PathBuf),
}

/// The host leaves these tables alone.
#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    build: BuildTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildTable {
    /// From the project's folder.
    component: Option<PathBuf>,
    target: Option<String>,
}

impl Project {
    pub(crate) fn open(path: &Path) -> Result<Self, ApiError> {
        let dir = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
        let file = dir.join(MANIFEST);
        let bytes = fs::read(&file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => absent(path),
            _ => unreadable(&file, &error),
        })?;
        let request = Request::parse(&bytes).map_err(|error| usage(ApiError::fault(&error).message))?;
        let manifest = String::from_utf8(bytes).map_err(|error| usage(error.to_string()))?;
        let recipe = recipe(&dir, &manifest)?;
        Ok(Self { dir, manifest, request, recipe })
    }

    /// Where `skill build` writes the component.
    pub(crate) fn component(&self) -> PathBuf {
        self.dir.join(format!("{}.wasm", self.request.name))
    }

    /// Files packed along; the folder may be missing.
    pub(super) fn assets(&self) -> PathBuf {
        self.dir.join("assets")
    }
}

/// The file to install where `path` is a skill's folder; any other path is itself.
pub(crate) fn component_of(path: &Path) -> Result<PathBuf, ApiError> {
    let absolute = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
    if !absolute.is_dir() {
        return Ok(absolute);
    }
    // The user wants to install, not to build, and the folder has no component yet.
    let unfit = |error| ApiError { code: ErrorCode::BadComponent, ..error };
    let component = Project::open(path).map_err(unfit)?.component();
    if component.is_file() {
        return Ok(component);
    }
    Err(usage(format!("the skill in {} is not built yet", path.display()))
        .suggest("", ["skill".to_owned(), "build".to_owned(), (path.display()).to_string()]))
}

/// A source in a skill's folder that is newer than its built component; `None` if `path` is another path.
pub(crate) fn newer_source(path: &Path) -> Option<PathBuf> {
    let project = Project::open(path).ok()?;
    let built = changed(&project.component())?;
    let made = match &project.recipe {
        Recipe::Made(path) => path.clone(),
        Recipe::Rust(_) => project.dir.join("Cargo.toml"),
    };
    let roots = [project.dir.join(MANIFEST), made, project.dir.join("src"), project.assets()];
    roots.iter().find_map(|root| newer_than(built, root, 0))
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(path).ok()?.modified().ok()
}

fn newer_than(built: SystemTime, path: &Path, depth: usize) -> Option<PathBuf> {
    /// Folders within each other that are looked into.
    const DEPTH: usize = 16;
    // A link is as old as itself: where it leads may be anywhere.
    if !fs::symlink_metadata(path).ok()?.is_dir() {
        return changed(path).filter(|changed| *changed > built).map(|_| path.to_owned());
    }
    let entries = path.read_dir().ok().filter(|_| depth < DEPTH)?;
    entries.flatten().find_map(|entry| newer_than(built, &entry.path(), depth + 1))
}

fn recipe(dir: &Path, manifest: &str) -> Result<Recipe, ApiError> {
    let wrong = |what: String| usage(format!("{MANIFEST}: {what}"));
    let tables: Tables = toml::from_str(manifest).map_err(|error| wrong(error.to_string()))?;
    let targets = match (tables.build.component, tables.build.target.as_deref()) {
        (Some(_), Some(_)) => return Err(wrong("[build] takes `component` or `target`, not both".into())),
        (Some(path), None) => return Ok(Recipe::Made(dir.join(path))),
        (None, None) => vec![Target::Bare, Target::Wasip2],
        (None, Some(name)) => {
            let known = [Target::Bare, Target::Wasip2].into_iter().find(|target| target.name() == name);
            vec![known.ok_or_else(|| {
                let (bare, wasip2) = (Target::Bare, Target::Wasip2);
                wrong(format!("[build] target is {bare} or {wasip2}"))
            })?]
        }
    };
    if dir.join("Cargo.toml").is_file() {
        return Ok(Recipe::Rust(targets));
    }
    Err(usage(format!("{} has no Cargo.toml to build from", dir.display()))
        .hint(format!("other tools made the component? name it in {MANIFEST}: [build] component = \"FILE\"")))
}

fn absent(path: &Path) -> ApiError {
    usage(format!("there is no {MANIFEST} in {}", path.display()))
        .suggest("start a skill", ["skill", "new", "NAME"])
}

fn unreadable(path: &Path, error: &io::Error) -> ApiError {
    usage(format!("cannot read {}: {error}", path.display()))
}

fn usage(message: String) -> ApiError {
    ApiError::new(ErrorCode::Usage, message)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn recipe_of(build: &str) -> Result<Recipe, String> {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("Cargo.toml"), "").unwrap();
        fs::write(dir.path().join(MANIFEST), format!("name = \"a\"\nversion = \"1.0.0\"\n{build}")).unwrap();
        let project = Project::open(dir.path()).map_err(|error| error.message)?;
        assert_eq!(project.component(), project.dir.join("a.wasm"));
        Ok(match project.recipe {
            Recipe::Made(path) => Recipe::Made(path.strip_prefix(&project.dir).unwrap().to_owned()),
            rust @ Recipe::Rust(_) => rust,
        })
    }

    #[test]
    fn a_skill_is_built_from_rust_unless_it_says_otherwise() {
        assert_eq!(recipe_of(""), Ok(Recipe::Rust(vec![Target::Bare, Target::Wasip2])));
        let wasip2 = "[build]\ntarget = \"wasm32-wasip2\"\n";
        assert_eq!(recipe_of(wasip2), Ok(Recipe::Rust(vec![Target::Wasip2])));
        assert_eq!(recipe_of("[build]\ncomponent = \"out/a.wasm\"\n"), Ok(Recipe::Made("out/a.wasm".into())));
    }

    #[test]
    fn what_build_cannot_mean_is_told() {
        for (build, told) in [
            ("[build]\ncomponent = \"a\"\ntarget = \"wasm32-wasip2\"\n", "not both"),
            ("[build]\ntarget = \"x86\"\n", "wasm32-unknown-unknown or wasm32-wasip2"),
            ("[build]\nlang = \"c\"\n", "unknown field `lang`"),
            ("[[request]]\ncapability = \"http\"\n", "why"),
        ] {
            let error = recipe_of(build).unwrap_err();
            assert!(error.contains(told), "{told}: {error}");
        }
    }

    #[test]
    fn a_folder_that_is_no_skill_says_how_to_start_one() {
        let dir = TempDir::new().unwrap();
        assert!(crate::print::hints(&Project::open(dir.path()).unwrap_err()).unwrap().contains("skill new"));
        assert_eq!(component_of(&dir.path().join("a.wasm")).unwrap(), dir.path().join("a.wasm"));
        fs::write(dir.path().join(MANIFEST), "name = \"a\"\nversion = \"1.0.0\"\n").unwrap();
        assert!(Project::open(dir.path()).unwrap_err().message.contains("Cargo.toml"));
    }

    #[test]
    fn a_folder_is_added_by_the_component_that_was_built_in_it() {
        let dir = TempDir::new().unwrap();
        let manifest = "name = \"a\"\nversion = \"1.0.0\"\nbuild.component = \"x.wasm\"\n";
        fs::write(dir.path().join(MANIFEST), manifest).unwrap();
        assert!(
            crate::print::hints(&component_of(dir.path()).unwrap_err())
                .unwrap()
                .contains("coworker skill build ")
        );
        fs::write(dir.path().join("a.wasm"), "").unwrap();
        assert_eq!(component_of(dir.path()).unwrap(), dir.path().join("a.wasm"));
    }

    #[test]
    fn a_source_that_changed_after_the_build_is_found() {
        let dir = TempDir::new().unwrap();
        let (source, built) = (dir.path().join("src/deep/lib.rs"), dir.path().join("a.wasm"));
        fs::create_dir_all(source.parent().unwrap()).unwrap();
        for (path, text) in [
            (dir.path().join(MANIFEST), "name = \"a\"\nversion = \"1.0.0\"\n"),
            (dir.path().join("Cargo.toml"), ""),
            (source.clone(), ""),
        ] {
            fs::write(path, text).unwrap();
        }
        assert_eq!(newer_source(dir.path()), None, "nothing is built");
        let written = changed(&source).unwrap();
        let at = |path: &Path, seconds| {
            let file = fs::File::options().create(true).append(true).open(path).unwrap();
            file.set_modified(written + std::time::Duration::from_secs(seconds)).unwrap();
        };
        at(&built, 10);
        assert_eq!(newer_source(dir.path()), None);
        at(&source, 20);
        assert_eq!(newer_source(dir.path()).map(|found| found.ends_with("src/deep/lib.rs")), Some(true));
        assert_eq!(newer_source(&built), None, "a component has no sources");
    }
}

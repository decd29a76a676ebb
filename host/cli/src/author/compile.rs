//! From a project to the bytes of its component, not yet packed.

use std::borrow::Cow;
use std::error::Error;
use std::path::{Path, PathBuf};

use coworker_agent::componentize;
use coworker_api::ApiError;
use coworker_kit::{CompileError, Job, Machine, NoToolchain, Target, Toolchain};
use coworker_policy::ErrorCode;

use super::project::{Project, Recipe};
use crate::print;

/// A component, with a warning for its author.
pub(super) struct Component {
    pub(super) bytes: Vec<u8>,
    pub(super) warning: Option<String>,
}

pub(super) fn compile(project: &Project, quiet: bool) -> Result<Component, ApiError> {
    let (made, warning) = match &project.recipe {
        Recipe::Made(path) => (read(path, &project.component())?, None),
        Recipe::Rust(targets) => rust(project, targets, quiet)?,
    };
    let bytes = match componentize(&made)
        .map_err(|error| ApiError { code: ErrorCode::BadComponent, ..ApiError::fault(&error) })?
    {
        Cow::Owned(component) => component,
        Cow::Borrowed(_) => made,
    };
    Ok(Component { bytes, warning })
}

fn rust(project: &Project, targets: &[Target], quiet: bool) -> Result<(Vec<u8>, Option<String>), ApiError> {
    let machine = Machine::here(libraries()?);
    let toolchain = Toolchain::find(&machine, targets, print::note).map_err(|error| no_toolchain(&error))?;
    let compiled = toolchain.compile(&Job {
        root: &project.dir,
        known_as: project.request.name.as_str(),
        package: None,
        profile: "release",
        target_dir: Path::new("target/skill"),
        strict: false,
        quiet,
    });
    let compiled = compiled.map_err(|error| failed(&error))?;
    let told = "the component tells the path of your home directory: see what it takes in with include_str!";
    Ok((compiled.wasm, compiled.tells_home.then(|| told.to_owned())))
}

fn read(path: &Path, output: &Path) -> Result<Vec<u8>, ApiError> {
    if path == output {
        let message = format!("skill.toml: [build] component is {}, which the build writes", path.display());
        return Err(ApiError::new(ErrorCode::Usage, message).hint("let your tools give it another name"));
    }
    std::fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        ApiError::new(ErrorCode::Usage, message)
            .hint("make it with your own tools first; skill.toml names it")
    })
}

/// The folder for compiler parts that were built once, beside other programs' caches.
fn libraries() -> Result<PathBuf, ApiError> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let cache = named.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let cache = cache.ok_or_else(|| ApiError::new(ErrorCode::Usage, "there is no home directory"))?;
    Ok(cache.join("coworker/wasm-std"))
}

fn no_toolchain(error: &NoToolchain) -> ApiError {
    told(error).hint(error.fix())
}

fn failed(error: &CompileError) -> ApiError {
    match error {
        CompileError::Start(_) => told(error).hint("install Rust from https://rustup.rs"),
        _ => told(error),
    }
}

/// The error with its causes. The fault is in the project or the machine, not in this program.
fn told(error: &dyn Error) -> ApiError {
    ApiError { code: ErrorCode::Usage, ..ApiError::fault(error) }
}

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::toolchain::{Target, Toolchain};

/// One crate to compile.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The folder that cargo runs in.
    pub root: &'a Path,
    /// The name of that folder in panic messages.
    pub known_as: &'a str,
    /// A package of the workspace there, or `None` for the package in the folder itself.
    pub package: Option<&'a str>,
    pub profile: &'a str,
    /// From `root`. Not the host's folder, because compiler and flags differ.
    pub target_dir: &'a Path,
    /// `Cargo.lock` must not change, and a warning is an error.
    pub strict: bool,
    /// Cargo prints no progress.
    pub quiet: bool,
}

/// The output of cargo.
#[derive(Debug)]
pub struct Compiled {
    /// A core module or a component, depending on the target.
    pub wasm: Vec<u8>,
    /// It contains the path of the home directory, which names the user that built it.
    pub tells_home: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("cannot start `cargo`")]
    Start(#[source] io::Error),
    #[error("cannot read the output of `cargo`")]
    Listen(#[source] io::Error),
    /// Cargo has printed the reason to standard error.
    #[error("{name} does not compile for {target}")]
    Failed { name: String, target: Target },
    #[error("cargo made no .wasm file for {0}; it needs a library in `src/lib.rs`")]
    Nothing(String),
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// A line of `--message-format=json` about an artifact.
#[derive(Deserialize)]
struct Line {
    reason: String,
    target: Option<Made>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Made {
    crate_types: Vec<String>,
}

impl Toolchain {
    /// Compiles one crate. Messages of cargo and the compiler go to standard error.
    pub fn compile(&self, job: &Job<'_>) -> Result<Compiled, CompileError> {
        let name = || job.package.unwrap_or(job.known_as).to_owned();
        let mut cargo = self.cargo(job).spawn().map_err(CompileError::Start)?;
        let mut made = None;
        if let Some(lines) = cargo.stdout.take() {
            for line in BufReader::new(lines).lines() {
                made = artifact(&line.map_err(CompileError::Listen)?).or(made);
            }
        }
        if !cargo.wait().map_err(CompileError::Listen)?.success() {
            return Err(CompileError::Failed { name: name(), target: self.target });
        }
        let path = made.ok_or_else(|| CompileError::Nothing(name()))?;
        let wasm = fs::read(&path).map_err(|source| CompileError::Read { path, source })?;
        let tells_home = self.home.as_ref().is_some_and(|home| tells(&wasm, home));
        Ok(Compiled { wasm, tells_home })
    }

    fn cargo(&self, job: &Job<'_>) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(job.root)
            // Sets the crate type here, because a library of two types is not optimised as a whole.
            .args(["rustc", "--lib", "--crate-type", "cdylib", "--profile", job.profile])
            .args(["--target", self.target.name(), "--message-format", "json-render-diagnostics"])
            .arg("--target-dir")
            .arg(job.target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(job))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        cargo.args(job.package.iter().flat_map(|package| ["--package", package]));
        cargo.args(job.strict.then_some("--locked")).args(job.quiet.then_some("--quiet"));
        if let Some(debian) = &self.debian {
            cargo.env("RUSTC", &debian.rustc);
        }
        cargo
    }

    /// Panic messages contain source paths, and the component must not reveal the user that built it.
    fn flags(&self, job: &Job<'_>) -> OsString {
        let known = |from: &Path, to: &str| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push(format!("=/{to}"));
            flag
        };
        let mut flags = Vec::new();
        flags.extend(job.strict.then(|| OsString::from("-Dwarnings")));
        // If several prefixes match, rustc applies the last.
        flags.extend(self.home.as_ref().map(|home| known(home, "home")));
        flags.extend(self.cargo_home.as_ref().map(|cargo| known(cargo, "cargo")));
        flags.push(known(job.root, job.known_as));
        if let Some(debian) = &self.debian {
            flags.extend(["--sysroot".into(), debian.sysroot.clone().into_os_string()]);
        }
        flags.join(OsStr::new("\u{1f}"))
    }
}

/// The module of a `cdylib`, if the line is about one.
fn artifact(line: &str) -> Option<PathBuf> {
    let line: Line = serde_json::from_str(line).ok()?;
    let library = line.target?.crate_types.iter().any(|kind| kind == "cdylib");
    let wasm = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    (line.reason == "compiler-artifact" && library).then(|| line.filenames.into_iter().find(wasm)).flatten()
}

fn tells(wasm: &[u8], home: &Path) -> bool {
    let home = home.as_os_str().as_encoded_bytes();
    !home.is_empty() && wasm.windows(home.len()).any(|part| part == home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_a_cdylib_is_found_in_the_output_of_cargo() {
        let made = |kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"crate_types":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        assert_eq!(artifact(&made("cdylib", "/t/a.wasm")), Some("/t/a.wasm".into()));
        for other in [made("lib", "/t/a.wasm"), made("cdylib", "/t/a.so"), "no JSON".into()] {
            assert_eq!(artifact(&other), None, "{other}");
        }
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn a_module_that_contains_the_home_directory_is_detected() {
        assert!(tells(b"\0asm at /home/ada/src", Path::new("/home/ada")));
        assert!(!tells(b"\0asm at /home/src", Path::new("/home/ada")));
    }
}

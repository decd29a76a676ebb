use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::library;

/// The target that a skill is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `wasm32-unknown-unknown`: adds no imports to those that the skill uses. Makes a core module.
    Bare,
    /// `wasm32-wasip2`: all of the standard library works, and it imports WASI. Makes a component.
    Wasip2,
}

/// The places of compilers on this machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The compiler in use.
    pub rustc: PathBuf,
    /// The compiler of Debian's package `rustc-web`. It may not exist.
    pub debian_rustc: PathBuf,
    /// The standard library's sources of Debian's package `rust-web-src`. They may not exist.
    pub debian_sources: PathBuf,
    /// The folder that keeps standard libraries that were built here.
    pub libraries: PathBuf,
    pub home: Option<PathBuf>,
    pub cargo_home: Option<PathBuf>,
}

/// A compiler for skills.
#[derive(Debug)]
pub struct Toolchain {
    pub(crate) target: Target,
    version: String,
    /// Debian's compiler with a standard library that was built here, if the compiler in use lacks the target.
    pub(crate) debian: Option<Debian>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) cargo_home: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct Debian {
    pub(crate) rustc: PathBuf,
    pub(crate) sysroot: PathBuf,
}

/// The reason that nothing on this machine compiles skills.
#[derive(Debug, thiserror::Error)]
pub enum NoToolchain {
    #[error("cannot start `{}`", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("`{}` failed: {said}", program.display())]
    Broken { program: PathBuf, said: String },
    #[error("no compiler on this machine builds for {0}")]
    Target(Target),
    #[error("the standard library for {0} could not be built")]
    Library(Target),
    #[error("cannot keep a standard library in {}", path.display())]
    Keep { path: PathBuf, source: io::Error },
}

impl Target {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl NoToolchain {
    /// The command that fixes it.
    pub fn fix(&self) -> String {
        match self {
            Self::Start { .. } => "install Rust from https://rustup.rs".to_owned(),
            Self::Broken { .. } => "rustup update".to_owned(),
            Self::Target(target) | Self::Library(target) => format!("rustup target add {target}"),
            Self::Keep { .. } => format!("rustup target add {}", Target::Bare),
        }
    }
}

impl Machine {
    /// Finds the places from `RUSTC`, `CARGO_HOME` and the home directory of this process.
    pub fn here(libraries: PathBuf) -> Self {
        let home = std::env::home_dir().filter(|home| home.components().count() > 1);
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        Self {
            rustc: std::env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from),
            debian_rustc: "/usr/bin/rustc".into(),
            debian_sources: "/usr/lib/rustlib/src/rust/library/std".into(),
            libraries,
            cargo_home: cargo_home.or_else(|| Some(home.as_ref()?.join(".cargo"))),
            home,
        }
    }
}

impl Toolchain {
    /// Returns the compiler in use for the first of `targets` that it has, or else Debian's for [`Target::Bare`].
    /// Builds the standard library of Debian's compiler once, and passes a message about it to `say`.
    pub fn find(machine: &Machine, targets: &[Target], say: impl FnOnce(&str)) -> Result<Self, NoToolchain> {
        let sysroot = ask(&machine.rustc, &["--print", "sysroot"])?;
        let installed = |target: &&Target| has_target(Path::new(&sysroot), **target);
        if let Some(target) = targets.iter().find(installed) {
            return Ok(Self::new(machine, *target, ask(&machine.rustc, &["-V"])?, None));
        }
        let debian = machine.debian_rustc.exists() && machine.debian_sources.exists();
        if !debian || !targets.contains(&Target::Bare) {
            return Err(NoToolchain::Target(targets.first().copied().unwrap_or(Target::Bare)));
        }
        let rustc = machine.debian_rustc.clone();
        let version = ask(&rustc, &["-V"])?;
        let sysroot = library::sysroot(machine, &version, Target::Bare, say)?;
        Ok(Self::new(machine, Target::Bare, version, Some(Debian { rustc, sysroot })))
    }

    fn new(machine: &Machine, target: Target, version: String, debian: Option<Debian>) -> Self {
        let (home, cargo_home) = (machine.home.clone(), machine.cargo_home.clone());
        Self { target, version, debian, home, cargo_home }
    }

    /// The output of `rustc -V`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn target(&self) -> Target {
        self.target
    }
}

fn has_target(sysroot: &Path, target: Target) -> bool {
    sysroot.join("lib/rustlib").join(target.name()).join("lib").is_dir()
}

fn ask(rustc: &Path, args: &[&str]) -> Result<String, NoToolchain> {
    let program = || rustc.to_owned();
    let output = Command::new(rustc).args(args).output();
    let output = output.map_err(|source| NoToolchain::Start { program: program(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(NoToolchain::Broken { program: program(), said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    /// A machine without Debian's compiler, whose compiler has these targets.
    fn machine(dir: &TempDir, targets: &[&str]) -> Machine {
        let sysroot = dir.path().join("sysroot");
        for target in targets {
            fs::create_dir_all(sysroot.join("lib/rustlib").join(target).join("lib")).unwrap();
        }
        let rustc = dir.path().join("rustc");
        let script = format!("#!/bin/sh\n[ $1 = -V ] && echo rustc 9.9.9 || echo {}\n", sysroot.display());
        fs::write(&rustc, script).unwrap();
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
        Machine {
            rustc,
            debian_rustc: "/nowhere/rustc".into(),
            debian_sources: "/nowhere/std".into(),
            libraries: dir.path().join("libraries"),
            home: None,
            cargo_home: None,
        }
    }

    fn find(targets: &[&str], wanted: &[Target]) -> Result<Target, String> {
        let dir = TempDir::new().unwrap();
        let found = Toolchain::find(&machine(&dir, targets), wanted, |_| panic!("nothing is built"));
        found.map(|found| found.target()).map_err(|error| format!("{error}; {}", error.fix()))
    }

    #[test]
    fn the_first_target_that_is_installed_is_taken() {
        let both = [Target::Bare, Target::Wasip2];
        let (bare, wasi) = ("wasm32-unknown-unknown", "wasm32-wasip2");
        assert_eq!(find(&[bare, wasi], &both), Ok(Target::Bare));
        assert_eq!(find(&[wasi], &both), Ok(Target::Wasip2));
        assert_eq!(find(&[bare, wasi], &both[1..]), Ok(Target::Wasip2));
    }

    #[test]
    fn without_a_target_the_error_has_a_fix() {
        let said = find(&["x86_64-unknown-linux-gnu"], &[Target::Bare, Target::Wasip2]).unwrap_err();
        assert_eq!(
            said,
            "no compiler on this machine builds for wasm32-unknown-unknown; rustup target add wasm32-unknown-unknown"
        );
        let said = find(&["wasm32-unknown-unknown"], &[Target::Wasip2]).unwrap_err();
        assert!(said.ends_with("rustup target add wasm32-wasip2"), "{said}");
    }

    #[test]
    fn without_rust_the_error_says_how_to_install_it() {
        let dir = TempDir::new().unwrap();
        let machine = Machine { rustc: "/nowhere/rustc".into(), ..machine(&dir, &[]) };
        let error = Toolchain::find(&machine, &[Target::Bare], |_| ()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/rustc") && error.fix().contains("rustup.rs"), "{error}");
    }
}

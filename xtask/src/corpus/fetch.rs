use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::ci::run;

/// The name and version of a package, in the form that its registry's client takes.
#[derive(Clone, Copy)]
pub(super) enum Package {
    Npm(&'static str),
    Pypi(&'static str),
}

impl Package {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Npm(name) | Self::Pypi(name) => name,
        }
    }

    /// Returns the folder with the files of the package, and fetches it once. Installs and runs nothing of it.
    pub(super) fn fetch(self, cache: &Path) -> Result<PathBuf> {
        let folder = cache.join(self.name().replace(['/', '=', '@'], "-"));
        once(&folder, || {
            let mut download = match self {
                Self::Npm(_) => npm(),
                Self::Pypi(_) => pip(cache)?,
            };
            run(download.current_dir(&folder).arg(self.name()))?;
            unpack(&folder)
        })
        .with_context(|| format!("cannot fetch {}", self.name()))?;
        Ok(folder)
    }
}

/// Makes a folder unless an earlier run finished it. The file `whole` marks a finished one.
fn once(folder: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    make()?;
    Ok(fs::write(whole, "")?)
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent"]).stdout(Stdio::null());
    npm
}

/// Runs pip from a virtual environment: the system's Python may have no pip.
fn pip(cache: &Path) -> Result<Command> {
    let environment = cache.join("python");
    once(&environment, || run(Command::new("python3").args(["-m", "venv"]).arg(&environment)))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    Ok(pip)
}

fn unpack(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let archive = entry?.path();
        let zip = archive.extension().is_some_and(|extension| extension == "whl");
        let unpack = if zip { &["python3", "-m", "zipfile", "-e"][..] } else { &["tar", "xzf"] };
        let mut command = Command::new(unpack[0]);
        command.current_dir(folder).args(&unpack[1..]).arg(&archive);
        run(command.args(zip.then_some(".")))?;
    }
    Ok(())
}

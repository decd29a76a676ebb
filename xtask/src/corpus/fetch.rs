use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::ci::run;

/// A package by its name and version, as its registry's own client takes it.
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

    /// The folder with what is in it. A folder that is there is whole. Nothing of a package is installed or run.
    pub(super) fn fetch(self, shelf: &Path) -> Result<PathBuf> {
        let folder = shelf.join(self.name().replace(['/', '=', '@'], "-"));
        once(&folder, || {
            let mut download = match self {
                Self::Npm(_) => npm(),
                Self::Pypi(_) => pip(shelf)?,
            };
            run(download.current_dir(&folder).arg(self.name()))?;
            unpack(&folder)
        })
        .with_context(|| format!("{} cannot be had", self.name()))?;
        Ok(folder)
    }
}

/// Makes a folder unless it is there.
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

/// Of an environment of its own: the system's Python may have none.
fn pip(shelf: &Path) -> Result<Command> {
    let environment = shelf.join("python");
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

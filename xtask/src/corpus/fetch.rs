use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    /// The folder with what is in it. A folder that is there is whole.
    pub(super) fn fetch(self, shelf: &Path) -> Result<PathBuf> {
        let folder = shelf.join(self.name().replace(['/', '=', '@'], "-"));
        let whole = folder.join("whole");
        if whole.exists() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        self.download(&folder).with_context(|| format!("{} cannot be had", self.name()))?;
        fs::write(whole, "")?;
        Ok(folder)
    }

    /// Nothing of a package is installed or run.
    fn download(self, folder: &Path) -> Result<()> {
        let options = match self {
            Self::Npm(_) => &["npm", "pack", "--silent"][..],
            Self::Pypi(_) => {
                &["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            }
        };
        let mut download = Command::new(options[0]);
        run(download.current_dir(folder).args(&options[1..]).arg(self.name()))?;
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
}

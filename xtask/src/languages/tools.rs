//! Fetches tools by name and version, each once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::ci::run;

/// A folder with one folder for each tool.
pub(super) struct Tools(PathBuf);

impl Tools {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Returns the folder with the programs of a Python package, such as `ziglang==0.17.1`.
    pub(super) fn pip(&self, package: &str) -> Result<PathBuf> {
        let folder = self.once(package, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))
                .context("install Python 3 with `venv` (on Debian: `apt-get install python3-venv`)")?;
            // Programs that pip installs contain the folder's path, so it must not move afterwards.
            run(Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(package))
        })?;
        Ok(folder.join("bin"))
    }

    /// Returns a folder with `node_modules` that has packages such as `esbuild@0.28.2`.
    pub(super) fn npm(&self, name: &str, packages: &[&str], manifest: &str) -> Result<PathBuf> {
        self.once(name, |folder| {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("package.json"), manifest)?;
            let options =
                ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"];
            run(Command::new("npm").current_dir(folder).args(options).args(packages))
                .context("install Node.js 20 or newer with npm (on Debian: `apt-get install nodejs npm`)")
        })
    }

    /// Returns the folder with the sources of a crate. Compiles nothing.
    pub(super) fn sources(&self, name: &str, version: &str) -> Result<PathBuf> {
        let folder = self.once(&format!("{name}-{version}"), |folder| {
            fs::create_dir_all(folder.join("src"))?;
            fs::write(folder.join("src/lib.rs"), "")?;
            let manifest = format!(
                "[package]\nname = \"sources\"\nedition = \"2024\"\n[dependencies]\n{name} = \"={version}\"\n[workspace]\n"
            );
            fs::write(folder.join("Cargo.toml"), manifest)?;
            run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(folder))
        })?;
        manifest_of(&folder, name)
    }

    /// Makes a tool's folder unless an earlier run finished it. The file `whole` marks a finished one.
    fn once(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let folder = self.0.join(name.replace(['/', '=', '@'], "-"));
        let whole = folder.join("whole");
        if whole.exists() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&self.0)?;
        make(&folder).with_context(|| format!("cannot fetch {name}"))?;
        fs::write(whole, "")?;
        Ok(folder)
    }
}

/// The folder that cargo fetched a dependency of this package into.
fn manifest_of(folder: &Path, name: &str) -> Result<PathBuf> {
    let options = ["metadata", "--quiet", "--offline", "--format-version", "1"];
    let output = Command::new("cargo").args(options).current_dir(folder).output()?;
    ensure!(output.status.success(), "`cargo metadata` failed for {name}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let package = packages
        .iter()
        .find(|package| package["name"] == name)
        .context("`cargo metadata` does not list the crate")?;
    let manifest = Path::new(package["manifest_path"].as_str().context("the crate has no manifest")?);
    manifest.parent().map(Path::to_owned).context("the crate has no folder")
}

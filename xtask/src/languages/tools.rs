//! Tools by name and version, fetched once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::ci::run;

/// A folder with one folder for each tool. A folder that is there is whole.
pub(super) struct Tools(PathBuf);

impl Tools {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The programs of a Python package, such as `ziglang==0.17.1`.
    pub(super) fn pip(&self, package: &str) -> Result<PathBuf> {
        let folder = self.once(package, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))
                .context("mend: install Python 3 with `venv` (on Debian: `apt-get install python3-venv`)")?;
            // What `pip` writes into programs is the folder's name: so it is not moved afterwards.
            run(Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(package))
        })?;
        Ok(folder.join("bin"))
    }

    /// A folder with `node_modules`, for packages such as `esbuild@0.28.2`.
    pub(super) fn npm(&self, name: &str, packages: &[&str], manifest: &str) -> Result<PathBuf> {
        self.once(name, |folder| {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("package.json"), manifest)?;
            let options =
                ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"];
            run(Command::new("npm").current_dir(folder).args(options).args(packages)).context(
                "mend: install Node.js 20 or newer with npm (on Debian: `apt-get install nodejs npm`)",
            )
        })
    }

    /// The sources of a crate, none of which is compiled.
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

    /// Makes a tool's folder unless it is there.
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
        make(&folder).with_context(|| format!("{name} cannot be had"))?;
        fs::write(whole, "")?;
        Ok(folder)
    }
}

/// Where cargo put a crate that this package depends on.
fn manifest_of(folder: &Path, name: &str) -> Result<PathBuf> {
    let options = ["metadata", "--quiet", "--offline", "--format-version", "1"];
    let output = Command::new("cargo").args(options).current_dir(folder).output()?;
    ensure!(output.status.success(), "`cargo metadata` fails for {name}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    let package =
        packages.iter().find(|package| package["name"] == name).context("the crate is not there")?;
    let manifest = Path::new(package["manifest_path"].as_str().context("the crate has no manifest")?);
    manifest.parent().map(Path::to_owned).context("the crate has no folder")
}

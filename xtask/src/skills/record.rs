use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const PATH: &str = "example-skills/built/sources.toml";
const HEADER: &str = "# What the components here were built from. Written by `cargo xtask skills`.\n\n";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Which compiler it was; another one gives other bytes of the same meaning, so nothing is checked against it.
    pub(super) rustc: String,
    pub(super) components: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// SHA-256 over everything that decides the component; see [`super::sources`].
    pub(super) sources: String,
    /// SHA-256 of the component.
    pub(super) wasm: String,
    /// Bytes of the component.
    pub(super) size: usize,
}

impl Record {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(PATH))
            .with_context(|| format!("{PATH} cannot be read; `cargo xtask skills` writes it"))?;
        toml::from_str(&text)
            .with_context(|| format!("{PATH} is damaged; `cargo xtask skills` writes it again"))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let text = format!("{HEADER}{}", toml::to_string(self)?);
        std::fs::write(root.join(PATH), text).with_context(|| format!("{PATH} cannot be written"))
    }
}

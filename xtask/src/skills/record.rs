//! The record of the sources that each committed component was built from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const PATH: &str = "example-skills/built/sources.toml";
const HEADER: &str =
    "# The sources that the components here were built from. Written by `cargo xtask skills`.\n\n";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The compiler's version. Another one compiles the same sources to other bytes, so nothing is checked against it.
    pub(super) rustc: String,
    pub(super) components: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// SHA-256 of everything that determines the component: see [`super::sources`].
    pub(super) sources: String,
    /// SHA-256 of the component.
    pub(super) wasm: String,
    /// The size of the component in bytes.
    pub(super) size: usize,
}

impl Record {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(PATH))
            .with_context(|| format!("cannot read {PATH}; `cargo xtask skills` writes it"))?;
        toml::from_str(&text).with_context(|| format!("{PATH} is damaged; run `cargo xtask skills`"))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let text = format!("{HEADER}{}", toml::to_string(self)?);
        std::fs::write(root.join(PATH), text).with_context(|| format!("cannot write {PATH}"))
    }
}

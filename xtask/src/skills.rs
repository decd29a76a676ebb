//! Builds the example skills, and tells when a committed component no longer is what its sources make.

mod bindings;
mod component;
mod record;
mod sources;
mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use record::{Entry, Record};
use toolchain::Toolchain;

/// Folders of `example-skills/` whose components are committed.
const SKILLS: [&str; 3] = ["about", "summarize", "redact"];

/// Builds every example skill and writes components and record to `example-skills/built/`.
///
/// # Errors
/// Without a compiler for `wasm32-unknown-unknown`, and when a component is too large or imports what a skill may not.
pub(crate) fn build(root: &Path) -> Result<()> {
    bindings::refresh(root)?;
    let toolchain = Toolchain::find(root)?;
    let mut record = Record { rustc: toolchain.version().to_owned(), ..Record::default() };
    std::fs::create_dir_all(root.join(BUILT))?;
    for skill in SKILLS {
        let core = toolchain.compile(root, &package(skill))?;
        let wasm = component::from_core(&core).with_context(|| format!("{skill}: no component"))?;
        component::check(&wasm).with_context(|| format!("{skill}: the component is not acceptable"))?;
        std::fs::write(built(root, skill), &wasm)?;
        println!("{skill}.wasm  {} bytes", wasm.len());
        let entry = Entry {
            sources: sources::digest(root, skill)?,
            wasm: sources::digest_of(&wasm),
            size: wasm.len(),
        };
        record.components.insert(skill.to_owned(), entry);
    }
    record.write(root)
}

/// Compares the committed components with their sources; compiles nothing.
///
/// # Errors
/// Names each component that is older than its sources, was changed by other means, or is missing.
pub(crate) fn check(root: &Path) -> Result<()> {
    bindings::check(root)?;
    let record = Record::read(root)?;
    let mut faults = Vec::new();
    for skill in SKILLS {
        if let Err(fault) = check_one(root, &record, skill) {
            faults.push(format!("{BUILT}/{skill}.wasm: {fault:#}"));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}\n  mend: `cargo xtask skills`, then commit {BUILT}/", faults.join("\n  "))
}

fn check_one(root: &Path, record: &Record, skill: &str) -> Result<()> {
    let entry = record.components.get(skill).context("not in the record")?;
    if entry.sources != sources::digest(root, skill)? {
        bail!("older than its sources");
    }
    let wasm = std::fs::read(built(root, skill)).context("cannot be read")?;
    if entry.wasm != sources::digest_of(&wasm) {
        bail!("not the file that was built from its sources (the digest differs)");
    }
    component::check(&wasm)
}

const BUILT: &str = "example-skills/built";

fn built(root: &Path, skill: &str) -> PathBuf {
    root.join(BUILT).join(skill).with_extension("wasm")
}

fn package(skill: &str) -> String {
    format!("coworker-example-{skill}")
}

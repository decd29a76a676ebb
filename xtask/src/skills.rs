//! Builds the example skills and the guests of the tests, and tells when a committed component no longer is what its sources make.

mod bindings;
mod component;
mod piece;
mod record;
mod sources;

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use coworker_kit::{Job, Machine, Target, Toolchain};

use piece::Piece;
use record::{Entry, Record};

/// What skills are compiled for.
const TARGET: Target = Target::Bare;

/// Builds every piece and writes its component, and one record of all to `example-skills/built/`.
///
/// # Errors
/// Without a compiler for `wasm32-unknown-unknown`, and when a component is too large or imports what a skill may not.
pub(crate) fn build(root: &Path) -> Result<()> {
    bindings::refresh(root)?;
    let toolchain = toolchain(root)?;
    let mut record = Record { rustc: toolchain.version().to_owned(), ..Record::default() };
    for piece in Piece::ALL {
        let (name, path) = (piece.name(), root.join(piece.built()));
        let core = compile(&toolchain, root, &piece.package())?;
        let wasm = component::from_core(&core).with_context(|| format!("{name}: no component"))?;
        component::check(&wasm, piece).with_context(|| format!("{name}: the component is not acceptable"))?;
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, &wasm)?;
        println!("{name}.wasm  {} bytes", wasm.len());
        let entry = Entry {
            sources: sources::digest(root, piece)?,
            wasm: sources::digest_of(&wasm),
            size: wasm.len(),
        };
        record.components.insert(name.to_owned(), entry);
    }
    record.write(root)
}

fn toolchain(root: &Path) -> Result<Toolchain> {
    let machine = Machine::here(root.join("target/skills-std"));
    Toolchain::find(&machine, &[TARGET], |said| eprintln!("{said}")).map_err(|error| {
        let mend = error.fix();
        anyhow!(
            "{error}; mend: `{mend}`, or on Debian \
             `apt-get install -y --no-install-recommends rustc-web rust-web-src`"
        )
    })
}

/// The core module of one package of the workspace.
fn compile(toolchain: &Toolchain, root: &Path, package: &str) -> Result<Vec<u8>> {
    let compiled = toolchain.compile(&Job {
        root,
        known_as: "coworker",
        package: Some(package),
        profile: "skill",
        target_dir: Path::new("target/skills"),
        strict: true,
        quiet: true,
    })?;
    ensure!(!compiled.tells_home, "{package}: the module tells the path of your home directory");
    Ok(compiled.wasm)
}

/// Compares the committed components with their sources; compiles nothing.
///
/// # Errors
/// Names each component that is older than its sources, was changed by other means, or is missing.
pub(crate) fn check(root: &Path) -> Result<()> {
    bindings::check(root)?;
    let record = Record::read(root)?;
    let mut faults = Vec::new();
    for piece in Piece::ALL {
        if let Err(fault) = check_one(root, &record, piece) {
            faults.push(format!("{}: {fault:#}", piece.built()));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}\n  mend: `cargo xtask skills`, then commit what it wrote", faults.join("\n  "))
}

fn check_one(root: &Path, record: &Record, piece: Piece) -> Result<()> {
    let entry = record.components.get(piece.name()).context("not in the record")?;
    if entry.sources != sources::digest(root, piece)? {
        bail!("older than its sources");
    }
    let wasm = std::fs::read(root.join(piece.built())).context("cannot be read")?;
    if entry.wasm != sources::digest_of(&wasm) {
        bail!("not the file that was built from its sources (the digest differs)");
    }
    component::check(&wasm, piece)
}

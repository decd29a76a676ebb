//! Builds the components that are committed, and checks that each still matches its sources.

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

/// The target that skills are compiled for.
const TARGET: Target = Target::Bare;

/// Builds every piece, writes its component, and writes one record of all to `example-skills/built/`.
///
/// # Errors
/// Without a compiler for `wasm32-unknown-unknown`, or if a component is too large or has a forbidden import.
pub(crate) fn build(root: &Path) -> Result<()> {
    bindings::refresh(root)?;
    let toolchain = toolchain(root)?;
    let mut record = Record { rustc: toolchain.version().to_owned(), ..Record::default() };
    for piece in Piece::ALL {
        let (name, path) = (piece.name(), root.join(piece.built()));
        let core = compile(&toolchain, root, &piece.package())?;
        let wasm = component::from_core(&core).with_context(|| format!("{name}: cannot make a component"))?;
        component::check(&wasm, piece).with_context(|| format!("{name}: the component is refused"))?;
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
    Toolchain::find(&machine, &[TARGET], |progress| eprintln!("{progress}")).map_err(|error| {
        let fix = error.fix();
        anyhow!(
            "{error}; run `{fix}`, or on Debian \
             `apt-get install -y --no-install-recommends rustc-web rust-web-src`"
        )
    })
}

/// Compiles one package of the workspace to a core module.
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
    ensure!(!compiled.tells_home, "{package}: the module contains the path of your home directory");
    Ok(compiled.wasm)
}

/// Compares the committed components with their sources. Compiles nothing.
///
/// # Errors
/// Names each component that is missing, older than its sources, or not built from them.
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
    bail!("{}\n  run `cargo xtask skills` and commit the files that it writes", faults.join("\n  "))
}

fn check_one(root: &Path, record: &Record, piece: Piece) -> Result<()> {
    let entry = record.components.get(piece.name()).context("missing in the record")?;
    if entry.sources != sources::digest(root, piece)? {
        bail!("older than its sources");
    }
    let wasm = std::fs::read(root.join(piece.built())).context("cannot read it")?;
    if entry.wasm != sources::digest_of(&wasm) {
        bail!("not built from its sources: the digest differs");
    }
    component::check(&wasm, piece)
}

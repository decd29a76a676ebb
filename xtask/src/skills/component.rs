use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

/// Example components are committed; larger ones do not belong into a repository.
const LARGEST: usize = 300 * 1024;
/// What an example may import: no example needs anything of its owner.
const IMPORTS: [&str; 2] = ["coworker:skill/call@0.1.0", "coworker:skill/log@0.1.0"];
/// Only names of types, which give no power.
const TYPES: &str = "coworker:skill/types@0.1.0";
const EXPORTS: [&str; 2] = ["describe", "invoke"];

pub(super) fn from_core(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(core)?.validate(true).encode()
}

/// That it is a skill, small, and imports nothing that gives power.
pub(super) fn check(wasm: &[u8]) -> Result<()> {
    ensure!(wasm.len() < LARGEST, "{} bytes; at most {LARGEST} are allowed", wasm.len());
    let DecodedWasm::Component(resolve, world) = wit_component::decode(wasm)? else {
        bail!("a WIT package, not a component");
    };
    let world = &resolve.worlds[world];
    for (key, item) in &world.imports {
        check_import(&resolve, key, item)?;
    }
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    ensure!(exports == EXPORTS, "exports {exports:?} instead of {EXPORTS:?}");
    Ok(())
}

fn check_import(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> Result<()> {
    let name = resolve.name_world_key(key);
    match item {
        WorldItem::Type { .. } => Ok(()),
        WorldItem::Interface { id, .. } => {
            let interface = resolve.interfaces.get(*id).context("an import without an interface")?;
            let allowed =
                IMPORTS.contains(&name.as_str()) || (name == TYPES && interface.functions.is_empty());
            ensure!(allowed, "imports `{name}`; an example may import only {}", IMPORTS.join(" and "));
            Ok(())
        }
        WorldItem::Function(_) => bail!("imports the function `{name}`"),
    }
}

use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

use super::piece::Piece;

/// Components are committed, and larger files do not belong in a repository.
const LARGEST: usize = 300 * 1024;
/// Has only types, so that importing it gives no power.
const TYPES: &str = "coworker:skill/types@0.1.0";
const EXPORTS: [&str; 2] = ["describe", "invoke"];

pub(super) fn from_core(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(core)?.validate(true).encode()
}

/// Checks that the component is a skill, is small, and has no import that its kind must not have.
pub(super) fn check(wasm: &[u8], piece: Piece) -> Result<()> {
    ensure!(wasm.len() < LARGEST, "{} bytes; at most {LARGEST} are allowed", wasm.len());
    let DecodedWasm::Component(resolve, world) = wit_component::decode(wasm)? else {
        bail!("this is a WIT package, not a component");
    };
    let world = &resolve.worlds[world];
    for (key, item) in &world.imports {
        check_import(&resolve, key, item, piece)?;
    }
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    ensure!(exports == EXPORTS, "must export {EXPORTS:?}, not {exports:?}");
    Ok(())
}

fn check_import(resolve: &Resolve, key: &WorldKey, item: &WorldItem, piece: Piece) -> Result<()> {
    let name = resolve.name_world_key(key);
    match item {
        WorldItem::Type { .. } => Ok(()),
        WorldItem::Interface { id, .. } => {
            let interface = resolve.interfaces.get(*id).context("an import has no interface")?;
            let allowed = piece.may_import(&name) || (name == TYPES && interface.functions.is_empty());
            ensure!(allowed, "must not import `{name}`");
            Ok(())
        }
        WorldItem::Function(_) => bail!("must not import the function `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::ManglingAndAbi;

    use super::*;

    /// A component of `world` in the package `coworker:skill`, to which this adds an interface.
    fn component(world: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/skill.wit");
        let contract = std::fs::read_to_string(wit).unwrap();
        let text =
            format!("{contract}\ninterface disk {{ read: func() -> string; }}\nworld tested {{ {world} }}");
        let package = resolve.push_str("test.wit", &text).unwrap();
        let world = resolve.select_world(&[package], Some("tested")).unwrap();
        let mut core = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false).unwrap();
        from_core(&core).unwrap()
    }

    const EXAMPLE: Piece = Piece::Example("about");
    const EXPORTS: &str = "use types.{descriptor, skill-error}; export describe: func() -> list<descriptor>; \
                           export invoke: func(skill: string, input: string) -> result<string, skill-error>;";

    #[test]
    fn a_skill_may_import_call_and_log() {
        check(&component(&format!("import call; import log; {EXPORTS}")), EXAMPLE).unwrap();
        check(&component(EXPORTS), EXAMPLE).unwrap();
    }

    #[test]
    fn any_other_import_is_refused() {
        let error = check(&component(&format!("import disk; {EXPORTS}")), EXAMPLE).unwrap_err();
        assert!(error.to_string().contains("`coworker:skill/disk@0.1.0`"), "{error}");
        let error = check(&component(&format!("import spawn: func(); {EXPORTS}")), EXAMPLE).unwrap_err();
        assert!(error.to_string().contains("`spawn`"), "{error}");
    }

    #[test]
    fn a_module_that_is_not_a_skill_is_refused() {
        assert!(check(&component("export describe: func();"), EXAMPLE).is_err());
        assert!(check(b"\0asm\x01\0\0\0", EXAMPLE).is_err());
        assert!(check(&vec![0; LARGEST], EXAMPLE).unwrap_err().to_string().contains("bytes"));
    }
}

//! Inspects a component without compiling or running it.

mod offer;
mod outline;
mod shape;

use coworker_policy::{Digest, Grants};
use wasmparser::Parser;

use crate::bad_component::{BadComponent, MAX_COMPONENT};
use crate::typed::{self, Function};

pub use offer::Import;
pub(crate) use outline::{Outline, brief};

/// A component's exports, imports and kind.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub digest: Digest,
    /// In bytes.
    pub size: usize,
    pub exports: Vec<String>,
    pub imports: Vec<Import>,
    pub world: World,
}

/// How a component is a skill.
#[derive(Clone, Debug)]
pub enum World {
    /// It exports `describe` and `invoke`, and describes its skills itself.
    Skill,
    /// It exports plain functions; each is a skill.
    Typed(Vec<Function>),
}

impl Inspection {
    /// Exports that are not skills and that no call ever reaches, such as types and leftovers of toolchains.
    pub fn unused_exports(&self) -> Vec<&str> {
        let used = |name: &str| match &self.world {
            World::Skill => matches!(name, "describe" | "invoke"),
            World::Typed(functions) => functions
                .iter()
                .any(|function| function.interface.as_deref().unwrap_or(&function.name) == name),
        };
        self.exports.iter().map(String::as_str).filter(|name| !used(name)).collect()
    }

    /// The capabilities that the component imports. It cannot use any other.
    pub fn capabilities(&self) -> Grants {
        self.imports.iter().filter_map(|import| import.capability).collect()
    }
}

/// Inspects a file, or says why it is not a skill. Nothing is compiled and nothing runs.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, BadComponent> {
    if wasm.len() > MAX_COMPONENT {
        return Err(BadComponent::TooLarge { size: wasm.len(), max: MAX_COMPONENT });
    }
    expect_component(wasm)?;
    let outline = Outline::read(wasm).map_err(BadComponent::Malformed)?;
    let skill = shape::is_skill(&outline.types)?;
    let world = if skill { World::Skill } else { World::Typed(typed::functions(&outline)?) };
    let imports = outline.imports.into_iter().map(offer::import).collect::<Result<_, _>>()?;
    Ok(Inspection { digest: Digest::of(wasm), size: wasm.len(), exports: outline.exports, imports, world })
}

fn expect_component(wasm: &[u8]) -> Result<(), BadComponent> {
    /// Bytes that decide whether the file is text.
    const PROBE: usize = 512;
    if Parser::is_component(wasm) {
        Ok(())
    } else if wasm.is_empty() {
        Err(BadComponent::Empty)
    } else if Parser::is_core_wasm(wasm) {
        Err(BadComponent::CoreModule)
    } else if is_text(&wasm[..wasm.len().min(PROBE)]) {
        Err(BadComponent::Text)
    } else {
        Err(BadComponent::NotWasm)
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let plain = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    match std::str::from_utf8(bytes) {
        Ok(text) => plain(text),
        // The first bytes may end in the middle of a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    }
}

//! Core modules that carry the types of a component become that component.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::Cause;
use crate::inspect::{BadComponent, MAX_COMPONENT};

/// Bindings leave the types of the world in custom sections whose names start so.
const TYPES: &str = "component-type";

/// Makes a component of a core module that carries the types of one, as the output of wit-bindgen does;
/// WASI preview 1 imports are met by the usual adapter. Any other file is handed back as it is, for
/// `inspect` to judge. The same module always makes the same component.
///
/// The component, not the module, is what is looked at, agreed to, stored and known by its digest.
pub fn componentize(wasm: &[u8]) -> Result<Cow<'_, [u8]>, BadComponent> {
    if wasm.len() > MAX_COMPONENT {
        return Err(BadComponent::TooLarge { size: wasm.len(), max: MAX_COMPONENT });
    }
    if !Parser::is_core_wasm(wasm) {
        return Ok(Cow::Borrowed(wasm));
    }
    let core = Core::read(wasm).map_err(|error| BadComponent::Malformed(error.into()))?;
    if !core.typed {
        return Err(BadComponent::CoreModule);
    }
    // A damaged module is the file's fault: it must not take the host down, whatever the encoder expects.
    let encoded = catch_unwind(AssertUnwindSafe(|| encode(wasm, core.preview1)));
    let encoded = encoded.unwrap_or_else(|_| Err("the encoder gave up on it".into()));
    encoded.map(Cow::Owned).map_err(BadComponent::Componentize)
}

fn encode(wasm: &[u8], preview1: bool) -> Result<Vec<u8>, Cause> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(wasm)?;
    if preview1 {
        encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?;
    }
    Ok(encoder.encode()?)
}

/// What decides how a module is wrapped.
#[derive(Default)]
struct Core {
    typed: bool,
    preview1: bool,
}

impl Core {
    fn read(wasm: &[u8]) -> wasmparser::Result<Self> {
        let mut core = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::CustomSection(section) => core.typed |= section.name().starts_with(TYPES),
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        core.preview1 |= import?.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
                    }
                }
                _ => {}
            }
        }
        Ok(core)
    }
}

//! Makes components of core modules that carry the types of a component.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::Cause;
use crate::bad_component::{BadComponent, MAX_COMPONENT};

/// Bindings leave the types of the world in custom sections whose names start with this.
const TYPES: &str = "component-type";

/// Makes a component of a core module that carries the types of one, as the output of wit-bindgen does. The
/// usual adapter provides imports of WASI preview 1. Returns any other file unchanged, for `inspect` to check.
/// Reproducible: the same module makes the same component.
///
/// The owner inspects, approves and stores the component, not the module; the digest is the component's.
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
    // The encoder panics on some damaged modules, which must not end the host.
    let encoded = catch_unwind(AssertUnwindSafe(|| encode(wasm, core.preview1)));
    let encoded = encoded.unwrap_or_else(|_| Err("the encoder panicked".into()));
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

/// The properties of a core module that decide how it is wrapped.
#[derive(Default)]
struct Core {
    /// It carries the types of a component.
    typed: bool,
    /// It imports WASI preview 1.
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

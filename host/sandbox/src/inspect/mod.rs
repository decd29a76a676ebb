//! A look at a component from outside: nothing is compiled and nothing runs.

mod offer;
mod shape;

use coworker_policy::{Capability, Digest, Grants};
use wasmparser::{Encoding, Parser, Payload, ValidPayload, Validator, types::Types};

use crate::Cause;

/// Largest component accepted, in bytes. Checked before the first byte is parsed.
pub const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// What a component is and what it can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub digest: Digest,
    /// In bytes.
    pub size: usize,
    pub exports: Vec<String>,
    pub imports: Vec<Import>,
}

/// An interface that a component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Such as `coworker:skill/log@0.1.0`.
    pub name: String,
    /// The power that it stands for, if it stands for one.
    pub capability: Option<Capability>,
}

impl Inspection {
    /// What the component can ask for at all: what it does not import it cannot use.
    pub fn capabilities(&self) -> Grants {
        self.imports.iter().filter_map(|import| import.capability).collect()
    }
}

/// A file that is no skill, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BadComponent {
    #[error("the file has {size} bytes; a component has at most {max}")]
    TooLarge { size: usize, max: usize },
    #[error("the file is empty")]
    Empty,
    #[error(
        "this is a text file, not a WebAssembly component: build the skill and give the .wasm file it makes"
    )]
    Text,
    #[error("this is not a WebAssembly file: a component starts with the bytes 00 61 73 6d")]
    NotWasm,
    #[error(
        "this is a core WebAssembly module, not a component: turn it into one with \
         `wasm-tools component new`, or build it for the target wasm32-wasip2"
    )]
    CoreModule,
    #[error("the component is damaged or not valid")]
    Malformed(#[source] Cause),
    #[error(
        "the component does not export `{name}`: a skill exports `{expected}` (world `skill` of coworker:skill@0.1.0)"
    )]
    MissingExport { name: &'static str, expected: &'static str },
    #[error(
        "the component's export `{name}` is `{found}`; a skill exports `{expected}`: build it against \
         coworker:skill@0.1.0"
    )]
    WrongExport { name: &'static str, found: String, expected: &'static str },
    #[error("the component imports `{name}`, which this host does not offer: {hint}")]
    UnknownImport { name: String, hint: &'static str },
    #[error("the component asks for something this host does not allow")]
    Rejected(#[source] Cause),
    #[error("the compiler did not finish")]
    Compiler(#[source] Cause),
}

/// A look at a file from outside: what it exports, what it can ask for, or why it is no skill. Nothing is
/// compiled and nothing runs.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, BadComponent> {
    if wasm.len() > MAX_COMPONENT {
        return Err(BadComponent::TooLarge { size: wasm.len(), max: MAX_COMPONENT });
    }
    expect_component(wasm)?;
    let outline = Outline::read(wasm).map_err(BadComponent::Malformed)?;
    shape::check_exports(&outline.types)?;
    let imports = outline.imports.into_iter().map(offer::import).collect::<Result<_, _>>()?;
    Ok(Inspection { digest: Digest::of(wasm), size: wasm.len(), exports: outline.exports, imports })
}

fn expect_component(wasm: &[u8]) -> Result<(), BadComponent> {
    /// Bytes looked at to tell text from something else.
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
        // The probe may end in the middle of a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    }
}

/// The outermost names of a component, and its validated types.
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    types: Types,
}

impl Outline {
    /// Function bodies are left to the compiler, which validates them again anyway.
    fn read(wasm: &[u8]) -> Result<Self, Cause> {
        let mut validator = Validator::new();
        let (mut imports, mut exports, mut types) = (Vec::new(), Vec::new(), None);
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            match &payload {
                Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section.clone() {
                        let import = import?;
                        if !matches!(import.ty, wasmparser::ComponentTypeRef::Type(_)) {
                            imports.push(import.name.name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section.clone() {
                        exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if let ValidPayload::End(end) = validator.payload(&payload)? {
                types = Some(end);
            }
        }
        let types = types.ok_or("the file ends too early")?;
        Ok(Self { imports, exports, types })
    }
}

//! A look at a component from outside: nothing is compiled and nothing runs.

mod offer;
mod shape;

use coworker_policy::{Capability, Digest, Grants};
use wasmparser::{Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures, types::Types};

use crate::Cause;
use crate::capability::assets::AssetsError;
use crate::typed::{self, Function};

/// Largest component accepted, in bytes. Checked before the first byte is parsed.
pub const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// What a component is and what it can ask for.
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
    /// It exports `describe` and `invoke`, and names its skills itself.
    Skill,
    /// It exports plain functions; each is a skill.
    Typed(Vec<Function>),
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
    /// Exports that are no skill and that no call ever reaches: what toolchains leave behind, types.
    pub fn unused_exports(&self) -> Vec<&str> {
        let used = |name: &str| match &self.world {
            World::Skill => matches!(name, "describe" | "invoke"),
            World::Typed(functions) => functions
                .iter()
                .any(|function| function.interface.as_deref().unwrap_or(&function.name) == name),
        };
        self.exports.iter().map(String::as_str).filter(|name| !used(name)).collect()
    }

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
        "this is a core WebAssembly module that does not carry the types of a component: build it with \
         bindings of wit-bindgen, add them with `wasm-tools component embed`, or build it for the target \
         wasm32-wasip2"
    )]
    CoreModule,
    #[error("this core WebAssembly module does not become a component")]
    Componentize(#[source] Cause),
    #[error("the component is damaged or not valid")]
    Malformed(#[source] Cause),
    #[error("the files packed with the component cannot be used")]
    Assets(#[from] AssetsError),
    #[error(
        "the component does not export `{name}`: a skill exports `{expected}` (world `skill` of coworker:skill@0.1.0)"
    )]
    MissingExport { name: &'static str, expected: &'static str },
    #[error(
        "the component's export `{name}` is `{found}`; a skill exports `{expected}`: build it against \
         coworker:skill@0.1.0"
    )]
    WrongExport { name: &'static str, found: String, expected: &'static str },
    #[error(
        "the component exports {exports}; a skill exports `describe` and `invoke` (world `skill` of \
         coworker:skill@0.1.0), or plain functions over values"
    )]
    NoFunction { exports: String },
    #[error(
        "the exported function `{function}` cannot be a skill: its {place} is or holds a {kind}, and JSON holds \
         values only"
    )]
    UnfitFunction { function: String, place: String, kind: &'static str },
    #[error(
        "the exported function `{function}` cannot be a skill: its types nest deeper than 32 levels or need \
         more than 64 KiB of JSON Schema"
    )]
    LargeTypes { function: String },
    #[error("the component exports {count} functions; at most {max} can be skills")]
    TooManyFunctions { count: usize, max: usize },
    #[error("two exported functions would both be the skill `{name}`: rename one, or its interface")]
    SameName { name: String },
    #[error("the component imports `{name}`, which this host does not offer: {hint}")]
    UnknownImport { name: String, hint: &'static str },
    #[error("the component asks for something this host does not allow")]
    Rejected(#[source] Cause),
    #[error("the component has {count} {what}; at most {max} are compiled")]
    TooMuch { what: &'static str, count: u64, max: u64 },
    #[error("compiling the component takes more than {what}")]
    TooExpensive { what: String },
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
    let skill = shape::is_skill(&outline.types)?;
    let world = if skill { World::Skill } else { World::Typed(typed::functions(&outline)?) };
    let imports = outline.imports.into_iter().map(offer::import).collect::<Result<_, _>>()?;
    Ok(Inspection { digest: Digest::of(wasm), size: wasm.len(), exports: outline.exports, imports, world })
}

/// A name that a component chose, short enough for a message.
pub(crate) fn brief(name: &str) -> String {
    const LONGEST: usize = 120;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
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

/// What a guest's modules may be made of. The engine refuses most of the rest again; a second memory it needs
/// for itself, so that is refused here only.
fn features() -> WasmFeatures {
    WasmFeatures::default() - WasmFeatures::MULTI_MEMORY
}

/// The outermost names of a component, and its validated types.
pub(crate) struct Outline {
    imports: Vec<String>,
    pub(crate) type_imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    /// The contents of the custom section with documentation.
    pub(crate) docs: Option<Vec<u8>>,
    pub(crate) types: Types,
}

impl Outline {
    /// Function bodies are left to the compiler, which validates them again anyway.
    fn read(wasm: &[u8]) -> Result<Self, Cause> {
        let mut validator = Validator::new_with_features(features());
        let (mut imports, mut exports, mut types) = (Vec::new(), Vec::new(), None);
        let (mut type_imports, mut docs) = (Vec::new(), None);
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            match &payload {
                Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section.clone() {
                        let import = import?;
                        let name = import.name.name.to_owned();
                        match import.ty {
                            wasmparser::ComponentTypeRef::Type(_) => type_imports.push(name),
                            _ => imports.push(name),
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section.clone() {
                        exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == typed::DOCS_SECTION => {
                    docs.get_or_insert_with(|| section.data().to_vec());
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if let ValidPayload::End(end) = validator.payload(&payload)? {
                types = Some(end);
            }
        }
        let types = types.ok_or("the file ends too early")?;
        Ok(Self { imports, type_imports, exports, docs, types })
    }
}

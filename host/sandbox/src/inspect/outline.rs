use wasmparser::{Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures, types::Types};

use crate::Cause;
use crate::typed::DOCS_SECTION;

/// The features that a guest's modules may use. The engine also refuses most others. It needs multiple memories
/// itself, so those are refused only here.
fn features() -> WasmFeatures {
    WasmFeatures::default() - WasmFeatures::MULTI_MEMORY
}

/// The outermost names of a component, and its validated types.
pub(crate) struct Outline {
    pub(super) imports: Vec<String>,
    pub(crate) type_imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    /// The custom section that holds documentation.
    pub(crate) docs: Option<Vec<u8>>,
    pub(crate) types: Types,
}

impl Outline {
    /// Skips function bodies, which the compiler validates.
    pub(super) fn read(wasm: &[u8]) -> Result<Self, Cause> {
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
                Payload::CustomSection(section) if depth == 1 && section.name() == DOCS_SECTION => {
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

/// Shortens a name that a component chose, for a message.
pub(crate) fn brief(name: &str) -> String {
    const LONGEST: usize = 120;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

use crate::Cause;
use crate::capability::assets::error::AssetsError;

/// Largest component accepted, in bytes. Checked before the first byte is parsed.
pub const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// Why a file is not a skill, and how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum BadComponent {
    #[error("the file has {size} bytes; a component has at most {max}")]
    TooLarge { size: usize, max: usize },
    #[error("the file is empty")]
    Empty,
    #[error("this is a text file, not a WebAssembly component: build the skill and give its .wasm file")]
    Text,
    #[error("this is not a WebAssembly file: a component starts with the bytes 00 61 73 6d")]
    NotWasm,
    #[error(
        "this is a core WebAssembly module that does not carry the types of a component: build it with \
         bindings of wit-bindgen, add them with `wasm-tools component embed`, or build it for the target \
         wasm32-wasip2"
    )]
    CoreModule,
    #[error("this core WebAssembly module cannot be made into a component")]
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
        "the exported function `{function}` cannot be a skill: its {place} is or holds a {kind}, which JSON \
         cannot hold"
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
    #[error("the component needs something that this host does not allow")]
    Rejected(#[source] Cause),
    #[error("the component has {count} {what}; at most {max} are compiled")]
    TooMuch { what: &'static str, count: u64, max: u64 },
    #[error("compiling the component takes more than {what}")]
    TooExpensive { what: String },
    #[error("the compiler did not finish")]
    Compiler(#[source] Cause),
}

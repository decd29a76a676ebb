//! Components: the committed examples, and small ones made here of the hostile guests' sources.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PRELUDE: &str = include_str!("../../../../tests/guests/prelude.wat");
const DESCRIBE: &str = include_str!("../../../../tests/guests/describe.wat");

const ECHO: &str = include_str!("../../../../tests/guests/echo.wat");

pub(crate) const ABOUT: &[u8] = include_bytes!("../../../../example-skills/built/about.wasm");
pub(crate) const FETCH: &[u8] = include_bytes!("../../../../tests/guests/built/fetch.wasm");
pub(crate) const SUMMARIZE: &[u8] = include_bytes!("../../../../example-skills/built/summarize.wasm");

/// Answers with its input.
pub(crate) fn plain() -> Vec<u8> {
    component("plain", ECHO, 2)
}

/// The same, with room for 2 MiB.
pub(crate) fn roomy() -> Vec<u8> {
    component("plain", ECHO, 64)
}

/// Answers with its input, and could ask for folders.
pub(crate) fn folders() -> Vec<u8> {
    let import = r#"(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $dirs (param i32)))"#;
    let wit = include_str!("../../../../tests/guests/script.wit");
    component_of("files", &format!("{import}\n{ECHO}"), 2, (wit, "test:script/files"))
}

/// Answers with the tier and the pseudonym of its caller.
pub(crate) fn who(pages: usize) -> Vec<u8> {
    component("whois", include_str!("../../../../tests/guests/who.wat"), pages)
}

/// Reports its progress, emits its input twice and answers with it.
pub(crate) fn tells() -> Vec<u8> {
    component("tells", include_str!("../../../../tests/guests/tells.wat"), 2)
}

/// Emits its input without end.
pub(crate) fn flood() -> Vec<u8> {
    component("flood", include_str!("../../../../tests/guests/emit_flood.wat"), 2)
}

/// Runs until it is stopped.
pub(crate) fn spins() -> Vec<u8> {
    component("spins", include_str!("../../../../tests/guests/loop.wat"), 2)
}

pub(crate) fn traps() -> Vec<u8> {
    component("traps", include_str!("../../../../tests/guests/trap.wat"), 2)
}

/// Answers with text that is no JSON.
pub(crate) fn wrong() -> Vec<u8> {
    component("wrong", include_str!("../../../../tests/guests/invalid_json.wat"), 2)
}

/// A component with one skill, of any input and output, and so many pages of memory. `describe` has room
/// for a name of five letters.
fn component(name: &str, guest: &str, pages: usize) -> Vec<u8> {
    component_of(name, guest, pages, ("package test:plain;", "coworker:skill/skill@0.1.0"))
}

fn component_of(name: &str, guest: &str, pages: usize, (wit, world): (&str, &str)) -> Vec<u8> {
    assert_eq!(name.len(), 5);
    let prelude = PRELUDE.replace(r#""memory") 2)"#, &format!(r#""memory") {pages})"#));
    let module = format!("(module\n{guest}\n{prelude}\n{})", DESCRIBE.replace("guest", name));
    let mut resolve = Resolve::default();
    resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

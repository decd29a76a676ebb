//! Components that are made for a test.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component of world `skill` whose one skill, `guest`, takes anything and never answers.
pub(crate) fn never_ending() -> Vec<u8> {
    component(include_str!("../guests/loop.wat"))
}

/// One that tells its progress and its input twice before it answers with it.
pub(crate) fn tells() -> Vec<u8> {
    component(include_str!("../guests/tells.wat"))
}

/// One that sends its secret `TOKEN` to the place in its input, and answers with what it has of it.
pub(crate) fn spends() -> Vec<u8> {
    let wit = ("exfiltrate.wit", include_str!("../guests/hostile/exfiltrate.wit"));
    component_of(include_str!("../guests/spends.wat"), wit, "test:thief/thief")
}

/// One that counts, in its state, how often it was called with an input, and answers with the number.
pub(crate) fn tally() -> Vec<u8> {
    let wit = ("script.wit", include_str!("../guests/script.wit"));
    component_of(include_str!("../guests/tally.wat"), wit, "test:script/state")
}

fn component(guest: &str) -> Vec<u8> {
    component_of(guest, ("test.wit", "package test:e2e;"), "coworker:skill/skill@0.1.0")
}

fn component_of(guest: &str, (file, wit): (&str, &str), world: &str) -> Vec<u8> {
    let parts = [guest, include_str!("../guests/prelude.wat"), include_str!("../guests/describe.wat")];
    let mut resolve = Resolve::default();
    resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let package = resolve.push_str(file, wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(format!("(module {})", parts.join("\n"))).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A good component of a world that is not ours.
pub(crate) fn other_world() -> Vec<u8> {
    let text = r#"(component
        (import "acme:database/store@1.0.0" (instance (export "get" (func))))
        (core module $m (func (export "greet")))
        (core instance $i (instantiate $m))
        (func $greet (canon lift (core func $i "greet")))
        (export "greet" (func $greet)))"#;
    wat::parse_str(text).unwrap()
}

pub(crate) fn core_module() -> Vec<u8> {
    wat::parse_str(r#"(module (func (export "describe")))"#).unwrap()
}

//! Files that attack the inspection or the compiler.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use coworker_sandbox::MAX_COMPONENT;
use tokio::time::timeout;

use super::attack::{Attack, add, added};
use super::hostile;
use super::work::{invoking, with_invoke};
use crate::assets::{entry, with_section};
use crate::compile::{doubled, lone as function};
use crate::core_fuzz::{Dice, seeds};
use crate::harness::{Lab, component_of, guest, module};
use crate::typed_hostile::lone;

const DAMAGED: &str = "the component is damaged or not valid: …";

hostile! {
    fn a_text = add(b"name: quote\n".to_vec()) => "this is a text file, not a WebAssembly component…";
    fn a_program = add(b"\x7fELF\x02\x01\x01\x00".to_vec()) => "this is not a WebAssembly file…";
    fn half_a_component = add(guest!("echo")[..200].to_vec()) => DAMAGED;
    fn a_component_of_sixty_five_megabytes = add(vec![0; MAX_COMPONENT + 1])
        => "the file has 67108865 bytes; a component has at most 67108864";
    fn a_hundred_damaged_components = damaged() => "all ended";
    fn blocks_within_each_other = add(function(&format!("{}{}", "(block ".repeat(2_501), ")".repeat(2_501))))
        => "the component has 2501 blocks within each other; at most 2500 are compiled";
    fn variables_without_end = add(function(&format!("(local {})", "i64 ".repeat(5_001))))
        => "the component has 5001 local variables in one function; at most 5000 are compiled";
    fn variables_times_blocks = add(function(&format!("(local {}) {}", "i64 ".repeat(4_000), "(block) ".repeat(2_000))))
        => "the component has 8000000 blocks times local variables in one function; …";
    fn jumps_without_end = add(function(&format!("(block (br_table {} (i32.const 0)))", "0 ".repeat(50_000)).repeat(3)))
        => "the component has 149997 targets of jump tables in one function; …";
    fn parts_of_parts_of_parts = add(doubled(12, "")) => "the component has 1022 instances of nested components; …";
    fn modules_of_parts_of_parts = add(doubled(5, "(core module $m) (core instance (instantiate $m))"))
        => "the component has 32 instances of core modules, nested ones included; …";
    fn types_of_types_of_types = add(swelling()) => "the exported function `f` cannot be a skill: its types nest …";
    fn lists_of_lists_of_lists = add(taking(&format!("{}u16{}", "list<".repeat(40), ">".repeat(40))))
        => "the exported function `f` cannot be a skill: its types nest …";
    fn functions_without_end = add(many()) => "the component exports 129 functions; at most 128 can be skills";
    fn a_name_of_fifty_thousand_letters = add(lone(&format!("export {}: func();", "a".repeat(50_000)),
        &format!(r#"(func (export "{}"))"#, "a".repeat(50_000)))) => "skill `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…";
    fn a_second_memory = add(with_module("(memory 1) (memory 1)")) => DAMAGED;
    fn a_memory_of_64_bits = add(with_module("(memory i64 1)")) => "the component …";
    fn a_memory_that_threads_share = add(with_module("(memory 1 2 shared)")) => "the component …";
    fn a_memory_of_more_than_there_is = add(with_module("(memory 2000)"))
        => "the component needs something that this host does not allow: …";
    fn a_table_of_a_million = add(with_module("(table 1000000 funcref)"))
        => "the component needs something that this host does not allow: …";
    fn code_that_is_not_valid = add(broken_code()) => "the component needs something that this host does not allow: …";
    fn an_import_that_is_not_offered = add(component_of(
        "package test:other; world other { include coworker:skill/skill@0.1.0; import test:bank/vault; }
        package test:bank { interface vault { open: func(); } }",
        "test:other/other",
        &module(&with_invoke(r#"(import "test:bank/vault" "open" (func))"#, "(unreachable)")),
    )) => "the component imports `test:bank/vault`, which this host does not offer: …";
    fn assets_that_climb_out = add(with_section("coworker:assets", &entry("../escaped", b'0', "", b"x")))
        => "the files packed with the component cannot be used: …";
    fn assets_that_are_links = add(with_section("coworker:assets", &entry("a", b'2', "/etc/passwd", b"")))
        => "the files packed with the component cannot be used: …";
}

/// Loading damaged bytes ends, and so does describing a component that could be loaded.
fn damaged() -> Attack {
    Attack::on(Lab::new(), |sandbox| async move {
        let mut dice = Dice(7);
        for mut bytes in seeds().into_iter().flat_map(|file| std::iter::repeat_n(file, 25)) {
            dice.damage(&mut bytes);
            timeout(Duration::from_secs(20), added(sandbox.clone(), Arc::from(bytes))).await.unwrap();
        }
        "all ended".to_owned()
    })
}

/// Each type holds the previous one twice: 2^14 types in all, in a file of a kilobyte.
fn swelling() -> Vec<u8> {
    let mut types = "type t0 = string;".to_owned();
    for n in 1..=14 {
        write!(types, "record r{n} {{ a: t{}, b: t{} }} type t{n} = r{n};", n - 1, n - 1).unwrap();
    }
    lone(&format!("{types} export f: func(v: list<t14>);"), TAKING)
}

const TAKING: &str = r#"(func (export "f") (param i32 i32))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))"#;

fn taking(ty: &str) -> Vec<u8> {
    lone(&format!("export f: func(v: {ty});"), TAKING)
}

fn many() -> Vec<u8> {
    let (mut wit, mut fields) = (String::new(), String::new());
    for n in 0..129 {
        write!(wit, "export fun{n}: func();").unwrap();
        write!(fields, r#"(func (export "fun{n}"))"#).unwrap();
    }
    lone(&wit, &fields)
}

fn with_module(fields: &str) -> Vec<u8> {
    let wat = format!(
        r#"(component
            (core module $m {fields} (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (export "f" (func $f)))"#
    );
    wat::parse_str(wat).unwrap()
}

/// The outline is valid, but the body of a function is not.
fn broken_code() -> Vec<u8> {
    let mut wasm = invoking("", "(i32.const 0x1234567)");
    let constant = [0x41, 0xe7, 0x8a, 0x8d, 0x09];
    let at = wasm.windows(5).position(|bytes| bytes == constant).unwrap();
    // Five times `i32.add` without operands.
    wasm[at..at + 5].fill(0x6a);
    wasm
}

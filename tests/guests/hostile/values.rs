//! Guests with invalid answers, texts and pointers.

use coworker_policy::{Limits, Tier};

use super::attack::{Attack, Call, add, call};
use super::hostile;
use super::work::{allocating, invoking, with_invoke};
use crate::harness::{component, component_of, guest, module};
use crate::typed::shop;
use crate::typed_hostile::lone;

const CRASH: &str = "SKILL_FAILED: the skill crashed: …";
const TRANSFER: &str = "LIMIT_EXCEEDED: the skill handed over more than 1048576 bytes at once";
const RESULT: &str = "LIMIT_EXCEEDED: the skill handed over more than 8388608 bytes at once";

hostile! {
    fn a_result_of_forty_megabytes = call(guest!("huge_result")) => TRANSFER;
    fn a_result_over_the_callers_cap = call(guest!("large_result"))
        => "LIMIT_EXCEEDED: the skill's result has 307200 bytes, more than the 262144 that this caller may receive";
    fn a_result_outside_its_memory = call(guest!("outside_result")) => CRASH;
    fn a_result_that_is_not_text = call(guest!("invalid_utf8")) => CRASH;
    fn a_result_that_is_not_json = call(guest!("invalid_json")) => "INVALID_OUTPUT: {\"open\":";
    fn a_result_that_nests_without_end = call(invoking("", "(drop (memory.grow (i32.const 4)))
        (memory.fill (i32.const 0x20000) (i32.const 91) (i32.const 200000))
        (i32.store (i32.const 20) (i32.const 0x20000)) (i32.store (i32.const 24) (i32.const 200000))
        (i32.const 16)")) => "INVALID_OUTPUT: [[[[[[[[[[[[[[[[[[[[";
    fn a_result_of_no_known_case = call(invoking("", "(i32.store (i32.const 16) (i32.const 9)) (i32.const 16)")) => CRASH;
    fn an_error_of_no_known_case = call(invoking("", "(i32.store (i32.const 16) (i32.const 1))
        (i32.store (i32.const 20) (i32.const 99)) (i32.const 16)")) => CRASH;
    fn a_result_that_is_misaligned = call(invoking("", "(i32.const 17)")) => CRASH;
    fn a_log_line_of_eight_megabytes = call(guest!("log_bomb")) => TRANSFER;
    fn a_flood_of_log_lines = call(guest!("log_flood")) => "null";
    fn a_part_of_eight_megabytes = call(invoking(
        r#"(import "coworker:skill/call@0.1.0" "emit" (func $emit (param i32 i32)))"#,
        "(drop (memory.grow (i32.const 128))) (call $emit (i32.const 0) (i32.const 8388608)) (unreachable)",
    )) => TRANSFER;
    fn a_log_line_outside_its_memory = call(invoking(
        r#"(import "coworker:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        "(call $log (i32.const 2) (i32.const -8) (i32.const 64)) (unreachable)",
    )) => CRASH;
    fn a_log_level_that_does_not_exist = call(invoking(
        r#"(import "coworker:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        "(call $log (i32.const 77) (i32.const 0) (i32.const 1)) (unreachable)",
    )) => CRASH;
    fn an_allocator_that_points_outside = call(allocating("(i32.const -16)")) => CRASH;
    fn an_allocator_that_returns_a_misaligned_pointer = numbers("(i32.const 1)") => CRASH;
    fn an_allocator_that_calls_the_host = call(calling_host_from_its_allocator()) => CRASH;
    fn a_list_that_claims_thirty_million_bytes = claim("u8", 30_000_000) => RESULT;
    fn a_list_that_claims_four_million_texts = claim("string", 4_000_000) => RESULT;
    fn a_list_that_claims_to_leave_its_memory = claim("u8", 0x7fff_ffff) => CRASH;
    fn a_list_that_is_one_text_a_thousand_times = call(lone("export f: func() -> list<string>;",
        "(func $grow (drop (memory.grow (i32.const 8)))) (start $grow)
        (func (export \"f\") (result i32) (local $at i32)
            (local.set $at (i32.const 0x10000))
            (loop $more
                (i32.store (local.get $at) (i32.const 0x4000)) (i32.store offset=4 (local.get $at) (i32.const 0x8000))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $more (i32.lt_u (local.get $at) (i32.const 0x11f40))))
            (i32.store (i32.const 8) (i32.const 0x10000)) (i32.store (i32.const 12) (i32.const 1000))
            (i32.const 8))",
    )).skill("f", "{}") => RESULT;
    fn a_character_that_is_a_surrogate = typed("char", "i32.const 0xd800") => CRASH;
    fn a_character_beyond_unicode = typed("char", "i32.const 0x110000") => CRASH;
    fn a_number_that_json_cannot_express = typed("f64", "f64.const nan")
        => "SKILL_FAILED: the skill's result holds NaN or an infinity, which JSON cannot express";
    fn a_result_that_grows_as_json = call(shop()).skill("echo-f64s", long_numbers())
        => "LIMIT_EXCEEDED: the skill's result has 760001 bytes, more than the 262144 that this caller may receive";
    fn a_name_that_is_a_path = described("guest", "../ab") => "skill `../ab`: bad name: …";
    fn a_name_that_reads_backwards = described("guest", r"a\e2\80\aeb") => "skill `a\u{fffd}b`: bad name: …";
    fn a_description_that_reads_backwards = described("A guest of the tests.", r"A guest \e2\80\ae of tests.") => "skill `guest`: bad description: holds a control or direction-changing character (U+202E)";
    fn a_version_with_a_control_character = described("1.0.0", r"1.0.\07") => "skill `guest`: `1.0.\u{fffd}` is not a version like 1.2.3";
    fn a_schema_that_is_not_json = described("true", "nope") => "skill `guest`: its input schema is not JSON: expected ident at line 1 column 2";
    fn a_description_that_is_one_text_seven_thousand_times = add(component(&format!(
        r#"(func (export "describe") (result i32) (local $at i32)
            (drop (memory.grow (i32.const 8)))
            (local.set $at (i32.const 0x20000))
            (loop $more
                (i32.store (local.get $at) (i32.const 0x4000)) (i32.store offset=4 (local.get $at) (i32.const 0x8000))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $more (i32.lt_u (local.get $at) (i32.const 0x2dac0))))
            (i32.store (i32.const 8) (i32.const 0x20000)) (i32.store (i32.const 12) (i32.const 1000))
            (i32.const 8))
        {}"#, with_invoke("", "(unreachable)"))))
        => "BAD_COMPONENT: the skill handed over more than 1048576 bytes at once";
}

/// A function that returns a list of a false length.
fn claim(ty: &str, len: u32) -> Call {
    let fields = format!(
        r#"(func $grow (drop (memory.grow (i32.const 500)))) (start $grow)
        (func (export "f") (result i32) (i32.store (i32.const 4) (i32.const {len})) (i32.const 0))"#
    );
    call(lone(&format!("export f: func() -> list<{ty}>;"), &fields)).skill("f", "{}")
}

fn typed(ty: &str, value: &str) -> Call {
    let result = if ty == "f64" { "f64" } else { "i32" };
    let fields = format!(r#"(func (export "f") (result {result}) ({value}))"#);
    call(lone(&format!("export f: func() -> {ty};"), &fields)).skill("f", "{}")
}

fn numbers(allocate: &str) -> Call {
    let fields = format!(
        r#"(func (export "f") (param i32 i32))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {allocate})"#
    );
    call(lone("export f: func(v: list<u64>);", &fields)).skill("f", r#"{"v": [1]}"#)
}

fn calling_host_from_its_allocator() -> Vec<u8> {
    let wat = module(&with_invoke(
        r#"(import "coworker:skill/call@0.1.0" "remaining-ms" (func $left (result i64)))"#,
        "(unreachable)",
    ));
    let wat = wat.replace("(local $at i32)", "(local $at i32) (drop (call $left))");
    component_of("package test:plain;", "coworker:skill/skill@0.1.0", &wat)
}

/// Numbers that are short in the input and long in the output.
fn long_numbers() -> &'static str {
    let all = format!(r#"{{"v": [{}]}}"#, vec!["1e15"; 40_000].join(","));
    assert!(all.len() < Limits::of(Tier::Known).input_bytes);
    all.leak()
}

/// A guest whose description has one word replaced by another of the same length.
fn described(word: &str, other: &str) -> Attack {
    let wat =
        module(&with_invoke("", "(unreachable)")).replace(&format!("\"{word}\""), &format!("\"{other}\""));
    add(component_of("package test:plain;", "coworker:skill/skill@0.1.0", &wat))
}

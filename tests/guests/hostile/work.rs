//! Guests that try to take more time, memory or host calls than they may.

use coworker_policy::Tier;
use coworker_sandbox::{Bucket, HostContext, StateRead, StateSize, StateStore};

use super::attack::{Call, add, call};
use super::hostile;
use crate::harness::{component, component_of, guest, module, wasi_guest};
use crate::script::Script;

const DEADLINE: &str = "DEADLINE: the skill was still running when its time was up";
const HOST_CALLS: &str = "LIMIT_EXCEEDED: the skill called the host more than 100000 times";
const STACK: &str = "LIMIT_EXCEEDED: the skill calls itself too deeply";
const CRASH: &str = "SKILL_FAILED: the skill crashed: …";

hostile! {
    fn a_loop_in_invoke = call(guest!("loop")).for_ms(200) => DEADLINE;
    fn a_loop_in_start = call(guest!("loop_in_start")).for_ms(200) => DEADLINE;
    fn a_loop_in_post_return = call(guest!("post_return_loop")).for_ms(200) => DEADLINE;
    fn a_loop_in_the_allocator = call(allocating("(loop $l (br $l)) (unreachable)")).for_ms(200) => DEADLINE;
    fn a_loop_in_describe = add(guest!("loop_in_describe")) => "BAD_COMPONENT: the skill …";
    fn a_loop_of_bulk_work = call(guest!("memory_fill")).within(|max| max.fuel = 200_000_000)
        => "LIMIT_EXCEEDED: the skill used up its 200000000 units of fuel";
    fn a_loop_that_a_stranger_pays_for = call(guest!("loop")).of(Tier::Untrusted).within(|max| max.fuel = 50_000_000)
        => "LIMIT_EXCEEDED: the skill used up its 50000000 units of fuel";
    fn a_crash_in_start = call(invoking("(func $s (unreachable)) (start $s)", "(unreachable)")) => CRASH;
    fn a_crash_in_describe = add(component(r#"(func (export "describe") (result i32) (unreachable))
        (func (export "invoke") (param i32 i32 i32 i32) (result i32) (unreachable))"#))
        => "BAD_COMPONENT: the skill crashed: …";
    fn a_crash = call(guest!("trap")) => CRASH;
    fn recursion = call(guest!("recursion")) => STACK;
    fn recursion_through_a_table = call(invoking(
        "(table 1 funcref) (elem (i32.const 0) $again) (type $t (func (result i32)))
        (func $again (type $t) (i32.add (call_indirect (type $t) (i32.const 0)) (i32.const 1)))",
        "(call $again)",
    )) => STACK;
    fn memory_that_grows = call(guest!("memory_grow"))
        => "LIMIT_EXCEEDED: the skill needs more than its 67108864 bytes of memory";
    fn memory_of_a_stranger_that_grows = call(guest!("memory_grow")).of(Tier::Untrusted)
        => "LIMIT_EXCEEDED: the skill needs more than its 33554432 bytes of memory";
    fn memory_that_is_too_large_from_the_start = call(with_memory(600)).of(Tier::Untrusted)
        => "LIMIT_EXCEEDED: the skill needs more than its 33554432 bytes of memory";
    fn tables_that_grow = call(guest!("table_grow")) => HOST_CALLS;
    fn a_flood_of_host_calls = call(guest!("host_call_loop")) => HOST_CALLS;
    fn a_flood_of_progress = call(invoking(
        r#"(import "coworker:skill/call@0.1.0" "progress" (func $tell (param i32 i32 i32)))"#,
        "(loop $l (call $tell (i32.const 1) (i32.const 0) (i32.const 200)) (br $l)) (unreachable)",
    )).within(|max| max.host_calls = 5_000) => "LIMIT_EXCEEDED: the skill called the host more than 5000 times";
    fn a_flood_of_state_calls = call(Script::default().step("open", &["caller"])
        .step_with("fill", &[], &[10_000_000, 0, 1]).state()) => HOST_CALLS;
    fn a_flood_of_handles = call(wasi(
        r#"(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))"#,
        "(loop $l (drop (call $stdout)) (br $l)) (unreachable)",
    )) => CRASH;
    fn zeroes_without_end = call(wasi_guest!("wasi_zeroes")) => CRASH;
    fn randomness_without_end = call(wasi_guest!("wasi_random")) => CRASH;
    fn a_sleep_of_a_year = call(sleeping()).for_ms(200) => DEADLINE;
    fn a_wait_for_a_state_that_never_answers = stuck().for_ms(200) => DEADLINE;
    fn an_exit_of_its_own = call(wasi(
        r#"(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))"#,
        "(call $exit (i32.const 0)) (unreachable)",
    )) => CRASH;
}

/// A guest with this body of `invoke`.
pub(super) fn invoking(fields: &str, invoke: &str) -> Vec<u8> {
    component(&with_invoke(fields, invoke))
}

pub(super) fn with_invoke(fields: &str, invoke: &str) -> String {
    format!(r#"{fields} (func (export "invoke") (param i32 i32 i32 i32) (result i32) {invoke})"#)
}

/// Like `invoking`, with the interfaces of `wasi.wit`.
pub(super) fn wasi(fields: &str, invoke: &str) -> Vec<u8> {
    component_of(include_str!("../wasi.wit"), "test:wasi/wasi", &module(&with_invoke(fields, invoke)))
}

/// A guest that allocates so.
pub(super) fn allocating(body: &str) -> Vec<u8> {
    let all = module(&with_invoke("", "(unreachable)"));
    let (head, rest) = all.split_once("(local $at i32)").unwrap();
    let end = rest.find("(local.get $at))\n").unwrap();
    let all = format!("{head}{body}{}", &rest[end + "(local.get $at)".len()..]);
    component_of("package test:plain;", "coworker:skill/skill@0.1.0", &all)
}

fn with_memory(pages: u32) -> Vec<u8> {
    let all = module(&with_invoke("", "(unreachable)"));
    let all = all.replace(r#"(export "memory") 2)"#, &format!(r#"(export "memory") {pages})"#));
    component_of("package test:plain;", "coworker:skill/skill@0.1.0", &all)
}

pub(crate) fn sleeping() -> Vec<u8> {
    wasi(
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
        (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#,
        "(call $block (call $after (i64.const 31536000000000000))) (unreachable)",
    )
}

/// A store that never answers.
struct Stuck;

impl StateStore for Stuck {
    fn value<'a>(&'a self, _: Bucket, _: &'a str) -> StateRead<'a, Option<Vec<u8>>> {
        Box::pin(std::future::pending())
    }

    fn keys<'a>(&'a self, _: Bucket, _: Option<&'a str>, _: usize) -> StateRead<'a, Vec<String>> {
        Box::pin(std::future::pending())
    }

    fn size(&self, _: Bucket) -> StateRead<'_, StateSize> {
        Box::pin(std::future::pending())
    }
}

fn stuck() -> Call {
    let context = HostContext { state: std::sync::Arc::new(Stuck), ..HostContext::default() };
    call(Script::default().step("open", &["caller"]).step("get", &["k"]).state()).context(context)
}

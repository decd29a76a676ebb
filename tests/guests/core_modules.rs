//! Core modules that are made into components.

use std::borrow::Cow;

use coworker_policy::{Digest, Tier};
use coworker_sandbox::{BadComponent, componentize};

use crate::harness::{Lab, core_of, guest, module};

const ECHO: &str = include_str!("echo.wat");

fn core(guest: &str) -> Vec<u8> {
    core_of("package test:plain;", "coworker:skill/skill@0.1.0", &module(guest))
}

/// Answers with the number of environment variables and the error code of WASI.
const PREVIEW1: &str = r#"
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (data (i32.const 32) "adapted\n")
    (data (i32.const 48) "\20\00\00\00\08\00\00\00")
    (func (export "invoke") (param i32 i32 i32 i32) (result i32)
        (drop (call $write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 56)))
        (drop (call $environ (i32.const 60) (i32.const 64)))
        (i32.store8 (i32.const 128) (i32.add (i32.load (i32.const 60)) (i32.const 48)))
        ;; No directory is open: EBADF is 8.
        (i32.store8 (i32.const 129) (i32.add (call $prestat (i32.const 3) (i32.const 72)) (i32.const 48)))
        (i32.store (i32.const 20) (i32.const 128))
        (i32.store (i32.const 24) (i32.const 2))
        (i32.const 16))"#;

#[tokio::test]
async fn a_module_with_types_becomes_a_component() {
    let wasm = core(ECHO);
    let component = componentize(&wasm).unwrap().into_owned();
    assert_eq!(component, componentize(&wasm).unwrap().into_owned(), "the component is not reproducible");
    assert_ne!(Digest::of(&component), Digest::of(&wasm));
    let outcome = Lab::new().call(component, Tier::Known, "[1]").await;
    assert_eq!(outcome.result.as_deref(), Ok("[1]"));
}

#[tokio::test]
async fn a_plain_module_becomes_a_plain_component() {
    let wit = "package test:lone; world lone { export add: func(a: u32, b: u32) -> u32; }";
    let wasm = core_of(
        wit,
        "test:lone/lone",
        r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#,
    );
    let component = componentize(&wasm).unwrap().into_owned();
    let lab = Lab::new();
    let digest = lab.sandbox.load(component.into()).await.unwrap();
    assert_eq!(lab.sandbox.describe(digest).await.unwrap()[0].name, "add");
}

#[tokio::test]
async fn wasi_preview_1_is_adapted_to_an_empty_context() {
    // The adapter takes its own 64 KiB from the module's allocator.
    let module =
        module(PREVIEW1).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 8)"#);
    let core = core_of("package test:plain;", "coworker:skill/skill@0.1.0", &module);
    let component = componentize(&core).unwrap().into_owned();
    let inspection = coworker_sandbox::inspect(&component).unwrap();
    assert!(inspection.imports.iter().any(|import| import.name.starts_with("wasi:cli/environment@0.2")));
    let outcome = Lab::new().call(component, Tier::Known, "null").await;
    assert_eq!(outcome.result.as_deref(), Ok("08"));
    assert_eq!(outcome.log, "adapted\n");
}

#[test]
fn a_file_that_is_not_a_core_module_is_returned_unchanged() {
    let component = guest!("echo");
    assert!(matches!(componentize(&component), Ok(Cow::Borrowed(same)) if same == component));
    assert!(matches!(componentize(b"# a text"), Ok(Cow::Borrowed(b"# a text"))));
}

#[test]
fn a_module_that_cannot_become_a_component_is_an_error() {
    let bare = componentize(&wat::parse_str("(module)").unwrap()).unwrap_err();
    assert!(matches!(bare, BadComponent::CoreModule));
    assert!(bare.to_string().contains("does not carry the types"), "{bare}");

    // The types promise an `invoke` that the module does not export.
    let mut broken = core(ECHO);
    let at = broken.windows(6).position(|bytes| bytes == b"invoke").unwrap();
    broken[at] = b'j';
    assert!(matches!(componentize(&broken), Err(BadComponent::Componentize(_))));

    let other = core(
        r#"(import "env" "open" (func)) (func (export "invoke") (param i32 i32 i32 i32) (result i32) (unreachable))"#,
    );
    let Err(BadComponent::Componentize(cause)) = componentize(&other) else {
        panic!("the import `env` was accepted")
    };
    assert!(format!("{cause}").contains("env") || cause.source().is_some(), "{cause}");
}

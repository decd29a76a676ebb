//! Files that are not skills: each gets a clear error, and nothing runs.

use std::error::Error as _;

use coworker_policy::{Capability, Digest};
use coworker_sandbox::{BadComponent, MAX_COMPONENT};

use crate::harness::{Lab, component_of, guest, module};

fn refused(file: &[u8]) -> String {
    coworker_sandbox::inspect(file).unwrap_err().to_string()
}

#[test]
fn a_component_says_what_it_exports_and_imports() {
    let wasm = guest!("who");
    let inspection = coworker_sandbox::inspect(&wasm).unwrap();
    assert_eq!(inspection.digest, Digest::of(&wasm));
    assert_eq!(inspection.size, wasm.len());
    assert!(inspection.exports.iter().any(|name| name == "invoke"), "{:?}", inspection.exports);
    let call = inspection.imports.iter().find(|import| import.capability == Some(Capability::Call)).unwrap();
    assert_eq!(call.name, "coworker:skill/call@0.1.0");
    assert_eq!(inspection.capabilities(), [Capability::Call].into_iter().collect());
}

#[test]
fn a_file_that_is_not_a_component_is_refused() {
    assert!(refused(b"name: quote\nprice: h\xc3\xb6her\n").contains("text file"));
    assert!(refused("(component)".as_bytes()).contains("text file"));
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"\x7fELF\x02\x01\x01\x00").contains("not a WebAssembly file"));
    assert!(refused(&vec![0; MAX_COMPONENT + 1]).contains("at most 67108864"));
    let core = refused(&wat::parse_str("(module)").unwrap());
    assert!(
        core.contains("core WebAssembly module") && core.contains("wasm-tools component embed"),
        "{core}"
    );
}

#[test]
fn damaged_components_never_panic() {
    let wasm = guest!("echo");
    // The second half holds names, which a component does not need.
    for end in 8..wasm.len() / 2 {
        let error = coworker_sandbox::inspect(&wasm[..end]).unwrap_err();
        assert!(
            matches!(error, BadComponent::Malformed(_) | BadComponent::NoFunction { .. }),
            "{end}: {error}"
        );
    }
}

#[test]
fn a_component_of_another_world_is_refused() {
    let half = component_of(
        "package test:other; world other {
            use coworker:skill/types@0.1.0.{skill-error};
            export invoke: func(skill: string, input: string) -> result<string, skill-error>;
        }",
        "test:other/other",
        &module(r#"(func (export "invoke") (param i32 i32 i32 i32) (result i32) (unreachable))"#)
            .replace(r#"(export "describe")"#, ""),
    );
    let error = refused(&half);
    assert!(
        error.contains("does not export `describe`") && error.contains("func() -> list<descriptor>"),
        "{error}"
    );
    let nothing = refused(&wat::parse_str("(component)").unwrap());
    assert!(nothing.contains("exports nothing; a skill exports `describe` and `invoke`"), "{nothing}");

    let invoke = component_of(
        "package test:other; world other {
            use coworker:skill/types@0.1.0.{descriptor};
            export describe: func() -> list<descriptor>;
            export invoke: func(input: list<u8>) -> option<string>;
        }",
        "test:other/other",
        &module(r#"(func (export "invoke") (param i32 i32) (result i32) (unreachable))"#),
    );
    let error = refused(&invoke);
    assert!(error.contains("`invoke` is `func(input: list<u8>) -> option<string>`"), "{error}");
    assert!(error.contains("result<string, skill-error>"), "{error}");
}

#[test]
fn an_import_that_the_host_does_not_offer_is_refused() {
    let wit = "package test:other;
        world other { include coworker:skill/skill@0.1.0; import wasi:nn/tensor@0.2.0; import test:bank/vault; }
        package wasi:nn@0.2.0 { interface tensor { open: func(); } }
        package test:bank { interface vault { open: func(); } }";
    for (import, hint) in
        [("wasi:nn/tensor@0.2.0", "it offers these parts of WASI 0.2"), ("test:bank/vault", "nothing else")]
    {
        let guest = format!(
            r#"(import "{import}" "open" (func)) (func (export "invoke") (param i32 i32 i32 i32) (result i32) (unreachable))"#
        );
        let error = refused(&component_of(wit, "test:other/other", &module(&guest)));
        assert!(error.contains(&format!("imports `{import}`")) && error.contains(hint), "{error}");
    }
}

#[tokio::test]
async fn a_component_that_the_engine_refuses_does_not_load() {
    let sandbox = Lab::new().sandbox;
    for (fields, why) in
        [("(memory $more 2000) (table 10 funcref)", "memor"), ("(table 1000000 funcref)", "table")]
    {
        let guest = format!(
            r#"{fields} (func (export "invoke") (param i32 i32 i32 i32) (result i32) (unreachable))"#
        );
        let module = module(&guest).replace(r#"(memory (export "memory") 2)"#, {
            if why == "memor" {
                r#"(export "memory" (memory $more))"#
            } else {
                r#"(memory (export "memory") 2)"#
            }
        });
        let wasm = component_of("package test:plain;", "coworker:skill/skill@0.1.0", &module);
        let error = sandbox.load(wasm.into()).await.unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(matches!(error, BadComponent::Rejected(_)) && cause.contains(why), "{error}: {cause}");
    }
}

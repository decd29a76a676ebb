//! Plain components that mean harm: with their types, their values, their code.

use std::fmt::Write as _;
use std::time::Duration;

use coworker_policy::{Limits, Tier};
use coworker_sandbox::{BadComponent, Stopped};

use crate::harness::{Ask, Lab, card, component_of};
use crate::typed::{shop, stopped};

/// A component with one function.
fn lone(wit: &str, fields: &str) -> Vec<u8> {
    let wit = format!("package test:lone; world lone {{ {wit} }}");
    let module = format!(r#"(module (memory (export "memory") 1) {fields})"#);
    component_of(&wit, "test:lone/lone", &module)
}

fn inspect(wasm: &[u8]) -> BadComponent {
    coworker_sandbox::inspect(wasm).unwrap_err()
}

#[test]
fn types_without_end_are_refused() {
    // Each type has two of the one before: 2^14 in all, in a file of a kilobyte.
    let mut bomb = "type t0 = string;".to_owned();
    for n in 1..=14 {
        write!(bomb, "record r{n} {{ a: t{}, b: t{} }} type t{n} = r{n};", n - 1, n - 1).unwrap();
    }
    let bomb = lone(
        &format!("{bomb} export f: func(v: list<t14>);"),
        r#"(func (export "f") (param i32 i32)) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))"#,
    );
    assert!(matches!(inspect(&bomb), BadComponent::LargeTypes { .. }));

    let deep = format!("export f: func(v: {}u16{});", "list<".repeat(40), ">".repeat(40));
    let deep = lone(
        &deep,
        r#"(func (export "f") (param i32 i32)) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))"#,
    );
    assert!(matches!(inspect(&deep), BadComponent::LargeTypes { .. }));
}

#[test]
fn a_second_memory_is_refused() {
    let wasm = "(component (core module (memory 1) (memory 1)))";
    let error = inspect(&wat::parse_str(wasm).unwrap());
    assert!(
        matches!(&error, BadComponent::Malformed(cause) if cause.to_string().contains("multiple memories"))
    );
}

#[test]
fn functions_without_end_are_refused() {
    let (mut wit, mut fields) = (String::new(), String::new());
    for n in 0..129 {
        write!(wit, "export fun{n}: func();").unwrap();
        write!(fields, r#"(func (export "fun{n}"))"#).unwrap();
    }
    assert!(matches!(inspect(&lone(&wit, &fields)), BadComponent::TooManyFunctions { count: 129, max: 128 }));
}

#[test]
fn two_skills_of_one_name_are_refused() {
    let wit = "package test:a { interface same { f: func(); } }
        package test:b { interface same { f: func(); } }
        package test:two;
        world two { export test:a/same; export test:b/same; }";
    let wit = format!("package test:two; {}", wit.replace("package test:two;", ""));
    let wasm = component_of(
        &wit,
        "test:two/two",
        r#"(module (func (export "test:a/same#f")) (func (export "test:b/same#f")))"#,
    );
    assert!(matches!(inspect(&wasm), BadComponent::SameName { name } if name == "same.f"));
}

#[tokio::test]
async fn describing_runs_no_code() {
    let lab = Lab::new();
    let wasm =
        lone("export f: func();", r#"(func $start (loop $l (br $l))) (start $start) (func (export "f"))"#);
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    assert_eq!(lab.sandbox.describe(digest).await.unwrap()[0].name, "f");
    let ask = Ask {
        card: card("f"),
        patience: Some(Duration::from_millis(300)),
        ..Ask::new(digest, Tier::Known, "{}")
    };
    assert_eq!(lab.run(ask.permit()).await.result, Err(Stopped::Deadline));
    lab.expect_service().await;
}

#[tokio::test]
async fn a_result_is_measured_while_it_is_written() {
    let lab = Lab::new();
    // What came in short goes out long.
    let input = format!(r#"{{"v": [{}]}}"#, vec!["1e15"; 40_000].join(","));
    let larger = stopped(&lab, shop(), "echo-f64s", Tier::Known, &input);
    assert_eq!(larger.await, Stopped::OutputTooLarge { size: 760_001, max: 256 * 1024 });
    lab.expect_service().await;
}

#[tokio::test]
async fn a_list_that_claims_to_be_long_is_not_copied() {
    let lab = Lab::new();
    let claim = |ty: &str, len: u32| {
        lone(
            &format!("export f: func() -> list<{ty}>;"),
            &format!(
                r#"(func $grow (drop (memory.grow (i32.const 500)))) (start $grow)
                (func (export "f") (result i32) (i32.store (i32.const 4) (i32.const {len})) (i32.const 0))"#
            ),
        )
    };
    let max = Limits::of(Tier::Known).output_bytes * 32;
    for (ty, len) in
        [("u8", 30_000_000), ("string", 4_000_000), ("tuple<u8, u8>", 15_000_000), ("list<u8>", 4_000_000)]
    {
        let stopped = stopped(&lab, claim(ty, len), "f", Tier::Known, "{}").await;
        assert_eq!(stopped, Stopped::Transfer { max }, "{ty}");
    }
    // Beyond its memory there is nothing to copy.
    let outside = stopped(&lab, claim("u8", 0x7fff_ffff), "f", Tier::Known, "{}").await;
    assert!(matches!(outside, Stopped::Trap(_)), "{outside}");
    lab.expect_service().await;
}

#[tokio::test]
async fn what_the_types_forbid_is_a_crash() {
    let lab = Lab::new();
    let cases = [("char", "i32.const 0xd800"), ("char", "i32.const 0x110000")];
    for (ty, value) in cases {
        let wasm = lone(
            &format!("export f: func() -> {ty};"),
            &format!(r#"(func (export "f") (result i32) ({value}))"#),
        );
        let stopped = stopped(&lab, wasm, "f", Tier::Known, "{}").await;
        assert!(matches!(stopped, Stopped::Trap(_)), "{ty}: {stopped}");
    }
    let wasm =
        lone("enum e { a, b } export f: func() -> e;", r#"(func (export "f") (result i32) (i32.const 2))"#);
    assert!(matches!(stopped(&lab, wasm, "f", Tier::Known, "{}").await, Stopped::Trap(_)));
    lab.expect_service().await;
}

#[tokio::test]
async fn a_megabyte_goes_in_and_out() {
    let lab = Lab::new();
    let digest = lab.sandbox.load(shop().into()).await.unwrap();
    let text = "x".repeat(1_000_000);
    for (skill, value) in [("echo-text", text), ("echo-bytes", "AAAA".repeat(250_000))] {
        let input = serde_json::json!({ "v": value }).to_string();
        let permit = Ask { card: card(skill), ..Ask::new(digest, Tier::Internal, &input) }.permit();
        assert_eq!(lab.run(permit).await.result.map(|output| output.len()), Ok(1_000_002), "{skill}");
    }
}

//! Hostile plain components: bad types, values and code.

use std::time::Duration;

use coworker_policy::Tier;
use coworker_sandbox::{BadComponent, Stopped};

use crate::harness::{Ask, Lab, card, component_of};
use crate::typed::{shop, stopped};

/// A component with one function.
pub(crate) fn lone(wit: &str, fields: &str) -> Vec<u8> {
    let wit = format!("package test:lone; world lone {{ {wit} }}");
    let module = format!(r#"(module (memory (export "memory") 1) {fields})"#);
    component_of(&wit, "test:lone/lone", &module)
}

fn inspect(wasm: &[u8]) -> BadComponent {
    coworker_sandbox::inspect(wasm).unwrap_err()
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
        timeout: Some(Duration::from_millis(300)),
        ..Ask::new(digest, Tier::Known, "{}")
    };
    assert_eq!(lab.run(ask.permit()).await.result, Err(Stopped::Deadline));
    lab.expect_service().await;
}

#[tokio::test]
async fn a_value_that_its_type_forbids_is_a_crash() {
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

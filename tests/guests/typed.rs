//! Plain components: contracts derived from types, values to and from JSON.

use coworker_policy::{Card, Digest, ErrorCode, Tier};
use coworker_sandbox::{BadComponent, SkillError, Stopped, World};
use serde_json::{Value, json};
use wit_parser::{PackageMetadata, Resolve};

use crate::harness::{Ask, Lab, card, component_of};

const WIT: &str = include_str!("typed.wit");

pub(crate) fn shop() -> Vec<u8> {
    component_of(WIT, "test:shop/shop@1.2.3", include_str!("typed.wat"))
}

/// The shop with documentation in a custom section, as tools write it.
fn documented_shop() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("typed.wit", WIT).unwrap();
    let docs = PackageMetadata::extract(&resolve, package).encode().unwrap();
    with_section(shop(), "package-docs", &docs)
}

pub(crate) fn with_section(mut wasm: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = leb(name.len());
    body.extend(name.as_bytes());
    body.extend(data);
    wasm.push(0);
    wasm.extend(leb(body.len()));
    wasm.extend(body);
    wasm
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

async fn cards(lab: &Lab, wasm: Vec<u8>) -> (Digest, Vec<Card>) {
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let described = lab.sandbox.describe(digest).await.unwrap();
    (digest, described.into_iter().map(|it| Card::try_from(it).unwrap()).collect())
}

/// A call through the gates with the component's own card.
async fn answer(lab: &Lab, skill: &str, input: Value) -> Value {
    let (digest, cards) = cards(lab, shop()).await;
    let card = cards.into_iter().find(|card| card.name.as_str() == skill).unwrap();
    let input = input.to_string();
    let permit = Ask { card, ..Ask::new(digest, Tier::Internal, &input) }.permit();
    let terms = permit.output_terms();
    let output = lab.run(permit).await.result.unwrap();
    terms.check(&output).unwrap();
    serde_json::from_str(&output).unwrap()
}

/// A call whose input is not checked by a schema.
pub(crate) async fn stopped(lab: &Lab, wasm: Vec<u8>, skill: &str, tier: Tier, input: &str) -> Stopped {
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let permit = Ask { card: card(skill), ..Ask::new(digest, tier, input) }.permit();
    lab.run(permit).await.result.unwrap_err()
}

#[tokio::test]
async fn each_function_is_a_skill() {
    let (_, cards) = cards(&Lab::new(), documented_shop()).await;
    let named = |name: &str| cards.iter().find(|card| card.name.as_str() == name).unwrap();
    assert_eq!(cards.len(), 19);
    assert_eq!(named("echo-lines").to_string(), "echo-lines 1.2.3");
    assert_eq!(named("echo-lines").description.as_str(), "Gives back the lines of an order.");
    assert_eq!(named("halve").to_string(), "halve 0.1.0");
    assert_eq!(named("halve").description.as_str(), "Halves an even number.");
    assert_eq!(named("nothing").description.as_str(), "The function `nothing`.");
    // Two interfaces have a function of this name.
    assert_eq!(named("quotes.shared").description.as_str(), "The function `shared` of `quotes`.");
    named("rates.shared");
}

#[tokio::test]
async fn malformed_documentation_is_ignored() {
    for docs in [&b"\x01{\"worlds\":{\"other\":{}},\"more\":1}"[..], b"\x01{", b"\x09{}", b""] {
        let wasm = with_section(shop(), "package-docs", docs);
        let (_, cards) = cards(&Lab::new(), wasm).await;
        assert_eq!(cards[0].description.as_str(), "The function `echo-text`.");
    }
}

#[tokio::test]
async fn schemas_say_what_the_types_say() {
    let (_, cards) = cards(&Lab::new(), documented_shop()).await;
    let input = |name: &str| {
        let card = cards.iter().find(|card| card.name.as_str() == name).unwrap();
        card.input_schema["properties"].clone()
    };
    assert_eq!(
        input("echo-lines")["lines"],
        json!({ "type": "array", "items": {
            "type": "object",
            "description": "A line of an order.",
            "properties": {
                "sku": { "type": "string", "description": "What to buy." },
                "count": { "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 },
                "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            },
            "required": ["sku", "count"],
            "additionalProperties": false,
        } })
    );
    assert_eq!(
        input("echo-methods")["v"]["items"],
        json!({ "type": "string", "enum": ["cash", "card"], "description": "How a price is met.\n`cash`: Coins." })
    );
    assert_eq!(
        input("echo-extras")["v"]["items"],
        json!({ "type": "array", "items": { "type": "string", "enum": ["wrapped", "express"] }, "uniqueItems": true })
    );
    let case = |name: &str, value: Value| json!({ "type": "object", "properties": { name: value }, "required": [name], "additionalProperties": false });
    let pair = json!({
        "type": "array",
        "prefixItems": [{ "type": "integer", "minimum": -128, "maximum": 127 }, { "type": "string" }],
        "minItems": 2,
        "maxItems": 2,
    });
    assert_eq!(
        input("echo-outcomes")["v"]["items"],
        json!({ "oneOf": [case("priced", json!({ "type": "number" })), { "const": "on-request" }, case("refused", pair)] })
    );
    assert_eq!(input("echo-bytes")["v"], json!({ "type": "string", "contentEncoding": "base64" }));
    assert_eq!(input("echo-u64s")["v"]["items"]["maximum"], json!(u64::MAX));
    assert_eq!(
        input("rates.shared")["v"]["items"],
        json!({ "type": "string", "minLength": 1, "maxLength": 1 })
    );
    let output = |name: &str| &cards.iter().find(|card| card.name.as_str() == name).unwrap().output_schema;
    assert_eq!(*output("halve"), json!({ "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 }));
    assert_eq!(*output("nothing"), json!({ "type": "null" }));
    assert_eq!(*output("refuse"), json!({ "type": "null" }));
}

#[tokio::test]
async fn values_survive_the_round_trip() {
    let lab = Lab::new();
    let cases = [
        ("echo-text", json!("a \"quoted\" line\n\u{1f980}")),
        ("echo-text", json!("")),
        ("echo-bytes", json!("AAEC/w==")),
        ("echo-bytes", json!("")),
        ("echo-u64s", json!([0, 1, u64::MAX, 9_007_199_254_740_993_u64])),
        ("echo-s64s", json!([i64::MIN, -1, i64::MAX])),
        ("echo-s8s", json!([-128, 127])),
        ("echo-f32s", json!([0.1, -1.5, 16_777_216.0])),
        ("echo-f64s", json!([0.1, 1e300, -0.25])),
        ("quotes.shared", json!([true, false])),
        ("rates.shared", json!(["x", "\u{1f980}", "\""])),
        ("echo-methods", json!(["cash", "card"])),
        ("echo-extras", json!([[], ["express"], ["wrapped", "express"]])),
        ("echo-outcomes", json!([{ "priced": 2.5 }, "on-request", { "refused": [-1, "no"] }])),
        ("echo-options", json!([null, { "value": null }, { "value": 7 }])),
        ("echo-results", json!(["ok", { "err": "why" }])),
    ];
    for (skill, value) in cases {
        assert_eq!(answer(&lab, skill, json!({ "v": value })).await, value, "{skill}");
    }
    let lines = json!([{ "sku": "a", "count": 1, "note": null }, { "sku": "b", "count": 2, "note": "c" }]);
    assert_eq!(answer(&lab, "echo-lines", json!({ "lines": lines })).await, lines);
}

#[tokio::test]
async fn other_spellings_of_the_same_json_are_accepted() {
    let lab = Lab::new();
    // `8.0` is a whole number, and a member that may be null may be missing.
    assert_eq!(answer(&lab, "halve", json!({ "number": 8.0 })).await, json!(4));
    let line = answer(&lab, "echo-lines", json!({ "lines": [{ "sku": "a", "count": 1 }] })).await;
    assert_eq!(line, json!([{ "sku": "a", "count": 1, "note": null }]));
    assert_eq!(answer(&lab, "nothing", json!({})).await, Value::Null);
}

#[tokio::test]
async fn an_error_is_the_skills_own() {
    let lab = Lab::new();
    let odd = stopped(&lab, shop(), "halve", Tier::Known, r#"{"number": 7}"#).await;
    assert_eq!(odd, Stopped::Skill(SkillError::Other("odd".to_owned())));
    assert_eq!(odd.code(), ErrorCode::SkillFailed);
    let refused = stopped(&lab, shop(), "refuse", Tier::Known, "{}").await;
    assert_eq!(refused, Stopped::Skill(SkillError::Other("[4,2]".to_owned())));
    assert_eq!(stopped(&lab, shop(), "infinite", Tier::Known, "{}").await, Stopped::NotJson);
}

#[tokio::test]
async fn input_is_checked_again_after_the_schema() {
    let lab = Lab::new();
    let cases = [
        ("echo-bytes", r#"{"v": "AAEC/w"}"#, "`v` must be text in base64, with padding"),
        ("echo-bytes", r#"{"v": [1, 2]}"#, "`v` must be a string"),
        ("echo-f32s", r#"{"v": [1e39]}"#, "`v` must be a number of single precision"),
        ("echo-s8s", r#"{"v": [128]}"#, "`v` must be a whole number within its range"),
        ("echo-u64s", r#"{"v": [-1]}"#, "`v` must be a whole number within its range"),
        ("echo-u64s", r#"{"v": [1.5]}"#, "`v` must be a whole number within its range"),
        ("echo-text", "{}", "`v` must be an object with all required members"),
        ("echo-text", r#"{"v": "a", "w": 1}"#, "it has members that are no parameters"),
        ("echo-text", "[]", "an object with the parameters by name was expected"),
        ("echo-methods", r#"{"v": ["coins"]}"#, "`v` must be one of the names in the schema"),
        ("echo-extras", r#"{"v": [["x"]]}"#, "`v` must be names from the schema"),
        ("echo-outcomes", r#"{"v": ["priced"]}"#, "`v` must be a case with its value"),
        ("echo-outcomes", r#"{"v": [{"on-request": 1}]}"#, "`v` must be a case without a value"),
        (
            "echo-outcomes",
            r#"{"v": [{"a": 1, "b": 2}]}"#,
            "`v` must be a case: its name, or an object with its name and value",
        ),
        (
            "echo-lines",
            r#"{"lines": [{"sku": "a", "count": 1, "x": 0}]}"#,
            "`lines` must be an object without other members",
        ),
    ];
    for (skill, input, why) in cases {
        let stopped = stopped(&lab, shop(), skill, Tier::Known, input).await;
        assert_eq!(stopped, Stopped::Input(why.to_owned()), "{skill} {input}");
        assert_eq!(stopped.code(), ErrorCode::InvalidInput);
    }
}

#[tokio::test]
async fn a_composed_component_is_one_skill() {
    let lab = Lab::new();
    let wasm = wat::parse_str(include_str!("composed.wat")).unwrap();
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let input = r#"{"v": "what"}"#;
    let permit = Ask { card: card("exclaim"), ..Ask::new(digest, Tier::Known, input) }.permit();
    assert_eq!(lab.run(permit).await.result.as_deref(), Ok("\"!hat\""));
}

#[test]
fn exports_of_toolchains_are_not_skills() {
    let inspection = coworker_sandbox::inspect(&shop()).unwrap();
    assert_eq!(inspection.unused_exports(), ["init"]);
    let World::Typed(functions) = inspection.world else { panic!("a plain component") };
    assert!(functions.iter().all(|function| function.name != "init"));
    let lines = functions.iter().find(|function| function.name == "echo-lines").unwrap();
    assert_eq!(lines.interface.as_deref(), Some("test:shop/quotes@1.2.3"));

    let only = component_of(
        "package test:only; world only { export init: func(); export wasi:cli/run@0.2.0; }
         package wasi:cli@0.2.0 { interface run { run: func() -> result; } }",
        "test:only/only",
        r#"(module (memory (export "memory") 1) (func (export "init")) (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0)))"#,
    );
    let error = coworker_sandbox::inspect(&only).unwrap_err();
    assert!(matches!(error, BadComponent::NoFunction { .. }));
    assert!(error.to_string().contains("exports `init`, `wasi:cli/run@0.2.0`"), "{error}");
}

#[test]
fn a_type_that_is_not_a_value_is_named_in_the_error() {
    let cases = [
        ("open", "func() -> account", "(result i32) (i32.const 0)", "result"),
        ("close", "func(it: list<own<account>>)", "(param i32 i32)", "parameter `it`"),
        ("refuse", "func() -> result<_, account>", "(result i32) (i32.const 0)", "result"),
    ];
    let realloc = r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))"#;
    for (name, ty, body, place) in cases {
        let wit = format!(
            "package test:bank; interface vault {{ resource account; {name}: {ty}; }} world bank {{ export vault; }}"
        );
        let module = format!(
            r#"(module (memory (export "memory") 1) {realloc} (func (export "test:bank/vault#{name}") {body}))"#
        );
        let wasm = component_of(&wit, "test:bank/bank", &module);
        let error = coworker_sandbox::inspect(&wasm).unwrap_err().to_string();
        let says = format!("`test:bank/vault#{name}` cannot be a skill: its {place} is or holds a resource");
        assert!(error.contains(&says), "{error}");
    }
}

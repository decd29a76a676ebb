//! Schemas come from components and values from peers; both are untrusted.

use coworker_schema::{Schema, SchemaError};
use serde_json::{Value, json};

fn schema(source: Value) -> Schema {
    Schema::new(source).unwrap()
}

fn refused(source: Value) -> String {
    Schema::new(source).expect_err("a refusal").to_string()
}

#[test]
fn an_invalid_schema_is_refused() {
    for source in
        [json!(5), json!("x"), json!({"type": "text"}), json!({"minLength": "a"}), json!({"pattern": "("})]
    {
        refused(source);
    }
}

#[test]
fn a_reference_to_another_document_is_refused() {
    for target in [
        "http://127.0.0.1:9/s.json",
        "https://example.com/s",
        "file:///etc/passwd",
        "other.json",
        "#/$defs/none",
    ] {
        refused(json!({"$ref": target}));
        refused(json!({"properties": {"a": {"$ref": target}}}));
    }
    refused(json!({"$schema": "https://example.com/my-own-dialect"}));
}

#[test]
fn a_reference_within_the_document_works() {
    let list = schema(json!({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}));
    list.check(&json!([1, 2])).unwrap();
    list.check(&json!([1, "2"])).unwrap_err();
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let tree = schema(json!({"properties": {"next": {"$ref": "#"}}, "required": ["n"]}));
    tree.check(&json!({"n": 1, "next": {"n": 2}})).unwrap();
    tree.check(&json!({"n": 1, "next": {}})).unwrap_err();
}

#[test]
fn a_schema_that_is_too_large_is_refused() {
    let source = json!({"description": "a".repeat(Schema::MAX)});
    assert!(matches!(Schema::new(source), Err(SchemaError::TooLarge { max: Schema::MAX, .. })));
}

#[test]
fn patterns_take_linear_time() {
    let slow_elsewhere = schema(json!({"type": "string", "pattern": "^(a+)+$"}));
    let text = format!("{}b", "a".repeat(50_000));
    // A backtracking engine would not be done before the test run is stopped.
    slow_elsewhere.check(&json!(text)).unwrap_err();
}

#[test]
fn patterns_that_need_backtracking_are_refused() {
    for pattern in [r"(a)\1", "(?=a)b", "(?<!a)b"] {
        refused(json!({"pattern": pattern}));
    }
}

#[test]
fn messages_never_repeat_a_value() {
    let secret = "hunter2";
    let cases = [
        (json!({"type": "integer"}), json!(secret)),
        (json!({"maxLength": 2}), json!(secret)),
        (json!({"pattern": "^x"}), json!(secret)),
        (json!({"enum": ["a", "b"]}), json!(secret)),
        (json!({"const": 1}), json!(secret)),
        (json!({"maxItems": 0}), json!([secret])),
        (json!({"uniqueItems": true}), json!([secret, secret])),
        (json!({"items": {"type": "null"}}), json!([secret])),
        (json!({"anyOf": [{"type": "null"}, {"type": "array"}]}), json!(secret)),
        (json!({"not": {}}), json!(secret)),
        (json!(false), json!({ "a": secret })),
        (json!({"properties": {"a": false}}), json!({ "a": secret })),
        (json!({"contains": {"type": "null"}}), json!([secret])),
    ];
    for (source, value) in cases {
        let why = schema(source.clone()).check(&value).unwrap_err();
        assert!(!why.contains(secret), "{source}: {why}");
    }
}

#[test]
fn messages_are_short_and_plain() {
    let strict = [
        json!({"properties": {"a": {}}, "additionalProperties": false}),
        json!({"additionalProperties": {"type": "string"}}),
        json!({"propertyNames": {"maxLength": 1}}),
    ];
    for source in strict {
        let schema = schema(source.clone());
        for name in ["\u{1b}[2Jgone".to_owned(), "\u{202e}evil".to_owned(), "long".repeat(10_000)] {
            let why = schema.check(&json!({ name: 1 })).unwrap_err();
            assert!(why.chars().count() <= 301, "{} characters", why.chars().count());
            assert!(!why.contains(['\u{1b}', '\u{202e}']), "{source}: {why:?}");
        }
    }
    let why = refused(json!({"required": ["\u{202e}"], "type": "\u{1b}[2J"}));
    assert!(!why.contains(['\u{1b}', '\u{202e}']), "{why:?}");
}

#[test]
fn a_message_names_the_place() {
    let list = schema(json!({"type": "array", "items": {"type": "integer"}}));
    assert_eq!(list.check(&json!({})).unwrap_err(), "the top level: value is not of type \"array\"");
    assert_eq!(list.check(&json!([1, "a"])).unwrap_err(), "`/1`: value is not of type \"integer\"");
}

#[test]
fn a_schema_that_is_only_itself_ends() {
    for source in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
        json!({"if": {"$ref": "#"}, "then": false}),
        json!({"$dynamicAnchor": "a", "anyOf": [{"$dynamicRef": "#a"}]}),
        json!({"not": {"$recursiveRef": "#"}, "$schema": "https://json-schema.org/draft/2019-09/schema"}),
    ] {
        if let Ok(schema) = Schema::new(source) {
            let _ = schema.check(&json!(5));
        }
    }
}

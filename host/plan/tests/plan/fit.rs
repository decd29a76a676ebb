//! Which outputs fit which inputs.

use serde_json::{Value, json};

use crate::fixture::{object, output, pair, text};

/// Output schema, `at`, input schema of `/it`, and the expected problem.
type Case = (Value, &'static str, Value, &'static str);

fn assert_all(cases: Vec<Case>) {
    for (output, at, input, expected) in cases {
        let reference = json!({ "it": { "$from": "one", "at": at } });
        let asked = json!({ "type": "object", "properties": { "it": input } });
        let said =
            pair(output.clone(), asked, reference).map_or_else(|error| error.to_string(), |_| String::new());
        let reason =
            said.split_once(if said.contains("of the input: ") { "of the input: " } else { ": one" });
        let reason = reason.map_or("", |(_, reason)| reason).trim_start_matches(at).trim_start_matches(": ");
        assert!(
            reason.starts_with(expected) && said.is_empty() == expected.is_empty(),
            "{output} {at} {input}\n{said}"
        );
    }
}

#[test]
fn types_are_compared() {
    assert_all(vec![
        (json!({}), "/any/thing", text(), ""),
        (json!(true), "", json!({}), ""),
        (json!(false), "", text(), "it is nothing, not text"),
        (json!({ "type": "integer" }), "", json!({ "type": "number" }), ""),
        (json!({ "type": "number" }), "", json!({ "type": "integer" }), ""),
        (json!({ "type": "boolean" }), "", json!({ "type": "number" }), "it is true or false, not a number"),
        (json!({ "enum": ["a", "b"] }), "", json!({ "enum": ["b", "c"] }), ""),
        (json!({ "enum": ["a"] }), "", json!({ "const": "c" }), "it is one of \"a\", not one of \"c\""),
    ]);
}

#[test]
fn lists_fit_by_their_items() {
    let list = json!({ "type": "array", "items": { "type": "string" } });
    assert_all(vec![
        (list.clone(), "/0", text(), ""),
        (list.clone(), "/01", text(), "the output has nothing named `01` there"),
        (list.clone(), "", list.clone(), ""),
        (
            list.clone(),
            "",
            json!({ "type": "array", "items": { "type": "integer" } }),
            "its items: it is text",
        ),
        (list, "", text(), "it is a list, not text"),
        (json!({ "type": "array", "maxItems": 1, "items": text() }), "/1", text(), "the output has nothing"),
        (
            json!({ "type": "array", "prefixItems": [text(), { "type": "null" }], "items": false }),
            "/0",
            text(),
            "",
        ),
        (
            json!({ "type": "array", "prefixItems": [text(), { "type": "null" }], "items": false }),
            "/2",
            text(),
            "the output has",
        ),
    ]);
}

#[test]
fn objects_fit_by_their_fields() {
    assert_all(vec![
        (
            object(json!({ "a": text(), "b": text() })),
            "",
            object(json!({ "a": text() })),
            "the input must not have the field `b`",
        ),
        (object(json!({ "a": text(), "b?": text() })), "", object(json!({ "a": text() })), ""),
        (
            object(json!({ "a": object(json!({ "b": text() })) })),
            "",
            object(json!({ "a": object(json!({ "b": { "type": "null" } })) })),
            "its field `a`: its field `b`: it is text, not null",
        ),
        (
            json!({ "allOf": [output(json!({ "a": text() })), output(json!({ "b": text() }))] }),
            "/b",
            text(),
            "",
        ),
        (json!({ "type": "object", "additionalProperties": text() }), "/x", text(), ""),
        (
            json!({ "type": "object", "additionalProperties": text() }),
            "/x",
            json!({ "type": "null" }),
            "it is text",
        ),
        (
            json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": true }),
            "/x",
            text(),
            "",
        ),
    ]);
}

#[test]
fn one_alternative_must_fit() {
    let either = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
    let tagged = json!({ "oneOf": [
        { "type": "object", "properties": { "ok": { "type": "string" } }, "required": ["ok"] },
        { "type": "object", "properties": { "error": { "type": "integer" } }, "required": ["error"] },
    ] });
    assert_all(vec![
        (either.clone(), "", text(), ""),
        (
            either,
            "",
            json!({ "type": ["integer", "null"] }),
            "it is null or text, not null or a whole number",
        ),
        (tagged.clone(), "/ok", text(), ""),
        (tagged.clone(), "/error", text(), "it is a whole number, not text"),
        (tagged.clone(), "/other", text(), "the output has no `other`; it has error, ok"),
        (tagged, "", object(json!({ "ok": text() })), ""),
    ]);
}

#[test]
fn references_within_a_schema_are_followed() {
    let nested = json!({
        "$ref": "#/$defs/All",
        "$defs": {
            "All": { "type": "object", "properties": { "part": { "$ref": "#/$defs/Part" } } },
            "Part": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        }
    });
    assert_all(vec![
        (nested.clone(), "/part/name", text(), ""),
        (nested.clone(), "/part/nme", text(), "the output has no `nme`; it has name"),
        (nested.clone(), "/part", json!({ "type": "object", "required": ["name"] }), ""),
        (nested, "/part", json!({ "type": "object", "required": ["id"] }), "it has no field `id`"),
        (json!({ "$ref": "#/nowhere" }), "/x", text(), ""),
        (json!({ "$ref": "#" }), "/x", text(), ""),
        (json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }), "/x", text(), ""),
    ]);
}

#[test]
fn literals_beside_references_are_checked_where_they_stand() {
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/input",
        "type": "object",
        "properties": {
            "text": { "type": "string" },
            "options": { "$ref": "#/$defs/Options" },
            "parts": { "type": "array", "items": { "type": "string", "maxLength": 3 }, "maxItems": 2 },
        },
        "$defs": { "Options": {
            "type": "object",
            "properties": { "tone": { "$ref": "#/$defs/Tone" } },
            "required": ["tone"],
        }, "Tone": { "enum": ["kind", "short"] } },
    });
    let put = |field: &str, value: Value| {
        let mut second = json!({ "text": { "$from": "one" } });
        second[field] = value;
        pair(json!({}), input.clone(), second).map_or_else(|error| error.to_string(), |_| "fits".to_owned())
    };
    assert_eq!(put("options", json!({ "tone": "kind" })), "fits");
    assert!(put("options", json!({ "tone": "loud" })).contains("`/options`: `/tone`: value is not one of"));
    assert!(put("options", json!({})).contains("`/options`: the top level:"));
    assert_eq!(put("parts", json!(["abc", { "$from": "one" }])), "fits");
    assert!(put("parts", json!(["abcd", { "$from": "one" }])).contains("`/parts/0`"));
    assert!(
        put("parts", json!(["a", "b", { "$from": "one" }])).contains("must not have the field `/parts/2`")
    );
}

#[test]
fn one_alternative_of_an_input_is_enough() {
    let input = json!({ "oneOf": [
        { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
        { "type": "object", "properties": { "url": { "type": "string" } }, "required": ["url"] },
    ] });
    let takes =
        |second| pair(output(json!({ "n": { "type": "integer" }, "t": text() })), input.clone(), second);
    assert!(takes(json!({ "url": { "$from": "one", "at": "/t" } })).is_ok());
    assert!(takes(json!({ "url": { "$from": "one", "at": "/n" } })).is_err());
    assert!(takes(json!({ "uri": { "$from": "one", "at": "/t" } })).is_err());
}

#[test]
fn checking_an_exponential_schema_ends() {
    // Each level doubles the work.
    let mut defs = serde_json::Map::new();
    for i in 0..60 {
        let next = json!({ "$ref": format!("#/$defs/d{}", i + 1) });
        defs.insert(format!("d{i}"), json!({ "anyOf": [next, next], "properties": { "a": next } }));
    }
    defs.insert("d60".to_owned(), text());
    let output = json!({ "$ref": "#/$defs/d0", "$defs": defs });
    assert!(
        pair(output.clone(), output, json!({ "$from": "one", "at": "/a" }))
            .is_err_and(|e| { e.to_string().contains("cannot be used") })
    );
    let loops =
        json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }], "properties": { "a": { "$ref": "#" } } });
    let at = "/a".repeat(32);
    assert!(
        pair(loops, object(json!({ "x": text() })), json!({ "x": { "$from": "one", "at": at } })).is_ok()
    );
}

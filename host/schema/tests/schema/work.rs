//! A schema and a value together determine the cost of a check, which is bounded before it starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use coworker_schema::{Schema, SchemaError};
use proptest::prelude::*;
use serde_json::{Value, json};

/// `a0` is a choice between `a1` and `a1`, and so on.
fn doubling(depth: usize, keyword: &str) -> Value {
    let next = |i: usize| json!({ "$ref": format!("#/$defs/a{}", i + 1) });
    let mut defs: serde_json::Map<String, Value> =
        (0..depth).map(|i| (format!("a{i}"), json!({ keyword: [next(i), next(i)] }))).collect();
    defs.insert(format!("a{depth}"), json!({"type": "integer"}));
    json!({"$ref": "#/$defs/a0", "$defs": defs})
}

/// A value in arrays in arrays.
fn nested(depth: usize, inner: Value) -> Value {
    (0..depth).fold(inner, |value, _| json!([value]))
}

#[test]
fn references_that_multiply_are_refused() {
    for keyword in ["anyOf", "allOf", "oneOf"] {
        for depth in [12, 20, 100] {
            let error = Schema::new(doubling(depth, keyword)).unwrap_err();
            let refused = matches!(error, SchemaError::TooBranched { .. } | SchemaError::TooDeep { .. });
            assert!(refused, "{error}");
        }
        Schema::new(doubling(10, keyword)).unwrap().check(&json!("a")).unwrap_err();
    }
}

#[test]
fn references_that_multiply_are_refused_wherever_they_hide() {
    let huge = |at: Value| {
        let mut source = doubling(30, "anyOf");
        source["$ref"].take();
        source.as_object_mut().unwrap().remove("$ref");
        source.as_object_mut().unwrap().extend(at.as_object().unwrap().clone());
        source
    };
    let a0 = json!({"$ref": "#/$defs/a0"});
    for at in [
        json!({"not": a0}),
        json!({"if": a0, "then": true}),
        json!({"if": true, "else": a0}),
        json!({"items": a0}),
        json!({"items": [a0], "$schema": "http://json-schema.org/draft-07/schema#"}),
        json!({"prefixItems": [true, a0]}),
        json!({"contains": a0}),
        json!({"additionalItems": a0}),
        json!({"properties": {"a": {"properties": {"b": a0}}}}),
        json!({"patternProperties": {"^a": a0}}),
        json!({"additionalProperties": a0}),
        json!({"propertyNames": a0}),
        json!({"unevaluatedProperties": a0}),
        json!({"unevaluatedItems": a0}),
        json!({"dependentSchemas": {"a": a0}}),
        json!({"dependencies": {"a": a0}, "$schema": "http://json-schema.org/draft-07/schema#"}),
    ] {
        let error = Schema::new(huge(at.clone())).unwrap_err();
        assert!(matches!(error, SchemaError::TooBranched { .. }), "{at}: {error}");
    }
    // Definitions that nothing applies cost nothing.
    Schema::new(huge(json!({}))).unwrap();
}

#[test]
fn the_largest_expansion_is_accepted_and_one_more_is_not() {
    let wide = |count: usize| {
        let items: Vec<Value> = (0..100).map(|_| json!({"$ref": "#/$defs/a"})).collect();
        let inner: Vec<Value> = (0..97).map(|_| json!(true)).collect();
        let rest: Vec<Value> = (0..count).map(|_| json!(true)).collect();
        json!({"allOf": items, "anyOf": rest, "$defs": {"a": {"allOf": inner}}})
    };
    // The whole, 100 × (reference + target + 97) and the rest.
    Schema::new(wide(99)).unwrap().check(&json!(1)).unwrap();
    assert!(matches!(Schema::new(wide(100)), Err(SchemaError::TooBranched { .. })));
}

#[test]
fn references_without_an_end_are_refused() {
    for source in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
    ] {
        let error = Schema::new(source).unwrap_err();
        assert!(matches!(error, SchemaError::Endless { .. }), "{error}");
    }
}

#[test]
fn references_that_nest_too_deeply_are_refused() {
    let chain = |length: usize| {
        let defs: serde_json::Map<String, Value> = (0..length)
            .map(|i| (format!("a{i}"), json!({ "$ref": format!("#/$defs/a{}", i + 1) })))
            .chain([(format!("a{length}"), json!({"type": "integer"}))])
            .collect();
        json!({"$ref": "#/$defs/a0", "$defs": defs})
    };
    Schema::new(chain(150)).unwrap().check(&json!(1)).unwrap();
    for length in [Schema::DEPTH, 1500] {
        let error = Schema::new(chain(length)).unwrap_err();
        assert!(matches!(error, SchemaError::TooDeep { max: Schema::DEPTH, .. }), "{error}");
    }
}

#[test]
fn references_that_move_are_refused() {
    for (source, name) in [
        (json!({"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}}), "$dynamicRef"),
        (
            json!({"items": {"$recursiveRef": "#"}, "$schema": "https://json-schema.org/draft/2019-09/schema"}),
            "$recursiveRef",
        ),
        (json!({"items": {"$id": "https://example.com/a"}}), "$id"),
        (json!({"items": {"$schema": "http://json-schema.org/draft-07/schema#"}}), "$schema"),
    ] {
        let error = Schema::new(source).unwrap_err();
        assert!(matches!(error, SchemaError::Unsupported { keyword, .. } if keyword == name), "{error}");
    }
    // The names of properties are no keywords.
    Schema::new(json!({"properties": {"$id": true, "id": {"type": "string"}}})).unwrap();
    Schema::new(
        json!({"$id": "https://example.com/a", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": true}}),
    )
    .unwrap();
    Schema::new(json!({"items": {"$ref": "#/$defs/a%20%C3%BC~1"}, "$defs": {"a ü/": true}})).unwrap();
}

#[test]
fn the_message_names_the_place_in_plain_text() {
    let source = json!({"properties": {"\u{202e}a/b": {"$ref": "x\u{1b}[2J"}}});
    let why = Schema::new(source).unwrap_err().to_string();
    assert!(why.starts_with("`/properties/") && why.contains("a~1b"), "{why}");
    assert!(!why.contains(['\u{1b}', '\u{202e}']), "{why:?}");
    let long = json!({"properties": {"a".repeat(50_000): {"$ref": "b".repeat(1_000)}}});
    assert!(Schema::new(long).unwrap_err().to_string().chars().count() < 800);
}

#[test]
fn recursion_that_multiplies_meets_values_it_has_steps_for() {
    for keyword in ["anyOf", "allOf"] {
        let node = json!({"items": {"$ref": "#/$defs/node"}});
        let schema = Schema::new(json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {keyword: [node, node, {"type": "integer"}]}},
        }))
        .unwrap();
        assert!(schema.steps(&nested(10, json!("a"))) < Schema::STEPS);
        let why = schema.check(&nested(120, json!("a"))).unwrap_err();
        assert_eq!(why, "the value is too large, or nested too deeply, for its schema");
    }
}

#[test]
fn many_subschemas_meet_values_they_have_steps_for() {
    let alternatives: Vec<Value> = (0..2_000).map(|i| json!({"const": i})).collect();
    let schema = Schema::new(json!({"items": {"anyOf": alternatives}})).unwrap();
    schema.check(&json!(vec![1_999; 1_000])).unwrap();
    schema.check(&json!(vec![1_999; 100_000])).unwrap_err();
}

#[test]
fn questions_about_what_was_evaluated_are_counted() {
    let closed = |inner: Value| json!({"allOf": [inner], "unevaluatedProperties": false});
    let deep = |depth| (0..depth).fold(json!({"properties": {"a": true}}), |inner, _| closed(inner));
    let few = Schema::new(deep(2)).unwrap().steps(&json!({"a": 1}));
    let many = Schema::new(deep(20)).unwrap().steps(&json!({"a": 1}));
    assert!(many > 1_000 * few, "{few} and {many}");
    assert!(matches!(Schema::new(deep(60)).unwrap().steps(&json!({"a": 1})), over if over > Schema::STEPS));
    let source = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "oneOf": [{"properties": {"b": true}, "required": ["b"]}, {"properties": {"c": true}, "required": ["c"]}],
        "unevaluatedProperties": false,
    });
    let flattened = Schema::new(source).unwrap();
    flattened.check(&json!({"a": 1, "b": 1})).unwrap();
    flattened.check(&json!({"a": 1, "d": 1})).unwrap_err();
}

#[test]
fn unique_items_with_one_hash_are_counted() {
    let schema = Schema::new(json!({"uniqueItems": true})).unwrap();
    let numbers: Vec<u64> = (0..100_000).collect();
    schema.check(&json!(numbers)).unwrap();
    // Brackets do not change the hash: [[1], [2, 3]] and [[1, 2], [3]].
    let alike: Vec<Value> = (0..30_000).map(|i| json!([[i], [0]])).collect();
    schema.check(&json!(alike)).unwrap_err();
    schema.check(&json!(&alike[..2_000])).unwrap();
}

#[test]
fn texts_that_patterns_read_are_counted() {
    let many: Vec<Value> = (0..50).map(|i| json!({"pattern": format!("^(a|b{{{i}}})*$")})).collect();
    let schema = Schema::new(json!({"allOf": many})).unwrap();
    schema.check(&json!("a".repeat(10_000))).unwrap();
    schema.check(&json!("a".repeat(1_000_000))).unwrap_err();
    let names = Schema::new(json!({"patternProperties": {"^(a|b)*$": true, "^(a|c)*$": true}})).unwrap();
    names.check(&json!({"a".repeat(10_000): 1})).unwrap();
    names.check(&json!({"a".repeat(1_000_000): 1})).unwrap_err();
}

#[test]
fn patterns_that_are_large_or_many_are_refused() {
    for pattern in ["(a{1000}){1000}", "((a{100}){100}){100}", "(a{200}){200}", r"\p{L}{1000}"] {
        assert!(
            matches!(Schema::new(json!({"pattern": pattern})), Err(SchemaError::Invalid(_))),
            "{pattern}"
        );
        let names = json!({"patternProperties": {pattern: true}});
        assert!(matches!(Schema::new(names), Err(SchemaError::Invalid(_))), "{pattern}");
    }
    for pattern in [
        "^[a-z0-9_-]{1,255}$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        r"^[^@\s]{1,64}@[^@\s]{1,255}$",
        r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
        r"^\w{1,100}$",
        "^.{1,200}$",
    ] {
        Schema::new(json!({"pattern": pattern})).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    }
    let many: Vec<Value> = (0..=Schema::PATTERNS).map(|i| json!({"pattern": format!("^a{i}")})).collect();
    assert!(matches!(Schema::new(json!({"anyOf": many})), Err(SchemaError::TooManyPatterns { .. })));
}

#[test]
fn a_failure_with_too_much_to_explain_is_told_without_a_place() {
    let schema = Schema::new(json!({"anyOf": [{"items": {"type": "integer"}}, {"type": "null"}]})).unwrap();
    let why = schema.check(&json!(vec!["a"; 100_000])).unwrap_err();
    assert_eq!(why, "the value does not fit the schema");
    let why = schema.check(&json!(["a"])).unwrap_err();
    assert!(why.starts_with("the top level: "), "{why}");
}

#[test]
fn schemas_that_nest_as_deeply_as_json_can_are_compiled() {
    let tagged =
        |inner| json!({"properties": {"kind": {"const": "a"}}, "required": ["kind"], "anyOf": [inner]});
    let deep = (0..60).fold(json!({}), |inner, _| tagged(inner));
    serde_json::from_str::<Value>(&deep.to_string()).unwrap();
    Schema::new(deep).unwrap().check(&json!({"kind": "a"})).unwrap();
    let deep = (0..60).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}));
    Schema::new(deep).unwrap().check(&json!({"a": {"a": 1}})).unwrap();
}

#[test]
fn a_check_fits_on_the_stack_of_a_thread() {
    for keyword in ["anyOf", "allOf", "oneOf"] {
        let next = |i: usize| json!({ "$ref": format!("#/$defs/a{}", i + 1) });
        let defs: serde_json::Map<String, Value> = (0..49)
            .map(|i| (format!("a{i}"), json!({ keyword: [{"allOf": [next(i)]}] })))
            .chain([("a49".to_owned(), json!({"items": {"$ref": "#/$defs/a0"}, "minItems": 1}))])
            .collect();
        let schema = Schema::new(json!({"$ref": "#/$defs/a0", "$defs": defs})).unwrap();
        let check =
            move || (0..30).map(|depth| schema.check(&nested(depth, json!([]))).unwrap_err()).collect();
        // Threads that run calls have 2 MiB, and without optimization, as here, frames are larger.
        let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(check).unwrap();
        let whys: Vec<String> = thread.join().unwrap();
        let refused = whys.iter().position(|why| why.contains("nested too deeply")).unwrap();
        assert!((3..10).contains(&refused), "{refused}");
        assert!(whys[refused..].iter().all(|why| *why == whys[refused]), "{whys:?}");
    }
}

/// Small schemas with references to three definitions.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({"type": "integer"})),
        Just(json!({"minItems": 1})),
        (0..3).prop_map(|i| json!({ "$ref": format!("#/$defs/d{i}") })),
    ];
    let part = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({"allOf": all})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|any| json!({"anyOf": any})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|one| json!({"oneOf": one})),
            inner.clone().prop_map(|inner| json!({"not": inner})),
            inner.clone().prop_map(|inner| json!({"items": inner})),
            inner.clone().prop_map(|inner| json!({"contains": inner})),
            inner.clone().prop_map(|inner| json!({"properties": {"a": inner}})),
            inner.clone().prop_map(|inner| json!({"additionalProperties": inner})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"if": a, "then": b, "else": b})),
            (inner.clone(), inner)
                .prop_map(|(a, b)| json!({"anyOf": [a, b], "unevaluatedProperties": false})),
        ]
    });
    prop::collection::vec(part, 4).prop_map(
        |parts| json!({"allOf": [parts[3]], "$defs": {"d0": parts[0], "d1": parts[1], "d2": parts[2]}}),
    )
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(1)), Just(json!("a")), Just(json!([]))];
    leaf.prop_recursive(20, 40, 2, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            inner.clone().prop_map(|inner| json!({"a": inner})),
            inner.prop_map(|inner| json!({"b": inner})),
        ]
    })
}

/// A keyword that fits everything and counts how often the validator comes to it.
struct Visits(Arc<AtomicU64>);

impl<'i> jsonschema::Keyword<'i> for Visits {
    fn validate(&self, _: &'i Value) -> Result<(), jsonschema::ValidationError<'i>> {
        self.0.fetch_add(1, Relaxed);
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        self.0.fetch_add(1, Relaxed);
        true
    }
}

/// The same schema with the counting keyword in every subschema.
fn counting(schema: &Value) -> Value {
    match schema {
        Value::Array(all) => all.iter().map(counting).collect(),
        Value::Object(keywords) => {
            let counted = keywords.iter().map(|(keyword, value)| match keyword.as_str() {
                "$defs" | "properties" => {
                    let all = value.as_object().unwrap().iter();
                    (keyword.clone(), all.map(|(name, value)| (name.clone(), counting(value))).collect())
                }
                _ => (keyword.clone(), counting(value)),
            });
            counted.chain([("visits".to_owned(), json!(true))]).collect()
        }
        _ => schema.clone(),
    }
}

/// How often the validator comes to subschemas to decide whether the value fits.
fn visits(source: &Value, value: &Value) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let inner = Arc::clone(&count);
    let validator = jsonschema::options()
        .with_keyword("visits", move |_, _, _| Ok(Box::new(Visits(Arc::clone(&inner)))))
        .build(&counting(source))
        .unwrap();
    let _ = validator.is_valid(value);
    count.load(Relaxed)
}

#[test]
fn visits_are_seen() {
    assert_eq!(visits(&json!({"items": {"allOf": [{}, true]}}), &json!([1, 2])), 5);
}

proptest! {
    #[test]
    fn every_check_of_every_schema_ends(source in schemas(), value in values(), depth in 0_usize..100) {
        if let Ok(schema) = Schema::new(source) {
            let value = nested(depth, value);
            let over = schema.steps(&value) > Schema::STEPS;
            let checked = schema.check(&value);
            prop_assert!(!over || checked.is_err());
        }
    }

    #[test]
    fn the_validator_takes_no_more_than_the_steps_that_were_counted(source in schemas(), value in values()) {
        if let Ok(schema) = Schema::new(source.clone()) {
            let steps = schema.steps(&value);
            if steps <= Schema::STEPS {
                let visits = visits(&source, &value);
                prop_assert!(visits <= steps, "{visits} visits, {steps} steps");
            }
        }
    }
}

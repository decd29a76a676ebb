//! The schemas of ordinary recursive types, as schemars writes them, pass with their values.

use std::collections::HashMap;

use coworker_schema::Schema;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize, JsonSchema)]
struct Chain {
    value: i64,
    next: Option<Box<Chain>>,
}

#[derive(Serialize, JsonSchema)]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

#[derive(Serialize, JsonSchema)]
struct Pair {
    left: Option<Box<Pair>>,
    right: Option<Box<Pair>>,
}

#[derive(Serialize, JsonSchema)]
struct Index {
    entries: HashMap<String, Index>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outer {
    Leaf(i64),
    Not(Box<Outer>),
    Add(Box<Outer>, Box<Outer>),
    All(Vec<Outer>),
    If { condition: Box<Outer>, then: Box<Outer> },
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Tagged {
    Number { value: f64 },
    Add { left: Box<Tagged>, right: Box<Tagged> },
    Multiply { left: Box<Tagged>, right: Box<Tagged> },
    Sum { terms: Vec<Tagged> },
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Nothing,
    Group(Vec<Adjacent>),
    Both(Box<Adjacent>, Box<Adjacent>),
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Json {
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(HashMap<String, Json>),
}

/// Two types that hold each other.
#[derive(Serialize, JsonSchema)]
struct Folder {
    files: Vec<File>,
}

#[derive(Serialize, JsonSchema)]
struct File {
    within: Option<Box<Folder>>,
    #[serde(flatten)]
    more: HashMap<String, i64>,
}

fn of<T: JsonSchema>() -> Schema {
    Schema::new(schemars::schema_for!(T).to_value()).unwrap()
}

/// A value that holds itself `depth` times.
fn grown<T: Serialize>(depth: usize, leaf: T, grow: impl Fn(T) -> T) -> Value {
    serde_json::to_value((0..depth).fold(leaf, |inner, _| grow(inner))).unwrap()
}

#[test]
fn recursive_rust_types_are_accepted_and_so_are_their_values() {
    let chain = grown(100, Chain { value: 0, next: None }, |c| Chain { value: 1, next: Some(Box::new(c)) });
    of::<Chain>().check(&chain).unwrap();
    let tree = |children| Tree { name: "a".to_owned(), children };
    of::<Tree>().check(&grown(60, tree(vec![]), |t| tree(vec![tree(vec![]), t]))).unwrap();
    let pair = || Pair { left: None, right: None };
    let grow = |p| Pair { left: Some(Box::new(p)), right: Some(Box::new(pair())) };
    of::<Pair>().check(&grown(100, pair(), grow)).unwrap();
    let index = Index { entries: HashMap::new() };
    of::<Index>().check(&grown(60, index, |i| Index { entries: HashMap::from([("a".into(), i)]) })).unwrap();
    let grow = |o: Outer| Outer::Add(Box::new(Outer::Leaf(1)), Box::new(Outer::Not(Box::new(o))));
    of::<Outer>().check(&grown(40, Outer::Leaf(1), grow)).unwrap();
    let grow =
        |o: Outer| Outer::All(vec![Outer::If { condition: Box::new(Outer::Leaf(1)), then: Box::new(o) }]);
    of::<Outer>().check(&grown(30, Outer::Leaf(1), grow)).unwrap();
    let grow = |a| Adjacent::Group(vec![Adjacent::Both(Box::new(Adjacent::Nothing), Box::new(a))]);
    of::<Adjacent>().check(&grown(25, Adjacent::Nothing, grow)).unwrap();
    let grow = |j| Json::List(vec![Json::Object(HashMap::from([("a".into(), j)])), Json::Text("b".into())]);
    of::<Json>().check(&grown(50, Json::Number(1.0), grow)).unwrap();
    let folder = |files| Folder { files };
    let file = |within| File { within: Some(Box::new(within)), more: HashMap::from([("a".into(), 1)]) };
    of::<Folder>().check(&grown(30, folder(vec![]), |f| folder(vec![file(f)]))).unwrap();
}

#[test]
fn what_a_recursive_type_does_not_allow_is_found_deep_down() {
    let mut chain =
        grown(100, Chain { value: 0, next: None }, |c| Chain { value: 1, next: Some(Box::new(c)) });
    let deepest = "/next".repeat(100);
    *chain.pointer_mut(&deepest).unwrap() = json!({"value": "no"});
    of::<Chain>().check(&chain).unwrap_err();
}

#[test]
fn alternatives_that_a_tag_tells_apart_do_not_multiply() {
    let number = || Box::new(Tagged::Number { value: 1.0 });
    let add = |t| Tagged::Add { left: Box::new(t), right: number() };
    let multiply = |t| Tagged::Multiply { left: number(), right: Box::new(t) };
    let schema = of::<Tagged>();
    let mut value = grown(30, *number(), |t| add(multiply(Tagged::Sum { terms: vec![t] })));
    schema.check(&value).unwrap();
    *value.pointer_mut(&"/left/right/terms/0".repeat(30)).unwrap() = json!({"op": "number", "value": "no"});
    schema.check(&value).unwrap_err();
    schema.check(&json!({"op": "add", "left": {"op": "number", "value": 1.0}})).unwrap_err();
    schema.check(&json!({"op": "none"})).unwrap_err();
    schema.check(&json!({"value": 1.0})).unwrap_err();
    schema.check(&json!(1)).unwrap_err();
}

#[test]
fn telling_alternatives_apart_changes_nothing_else() {
    let circle =
        json!({"properties": {"kind": {"const": "circle"}, "r": {"type": "integer"}}, "required": ["kind"]});
    let square = json!({"properties": {"kind": {"const": "square"}, "a": {"type": "integer"}}, "required": ["kind", "a"]});
    let sources = [
        json!({"anyOf": [circle, square]}),
        json!({"oneOf": [circle, square], "unevaluatedProperties": false}),
        json!({"oneOf": [circle, square], "$schema": "http://json-schema.org/draft-07/schema#"}),
        // Somebody refers into a choice, so it stays as it is.
        json!({"anyOf": [circle, square], "properties": {"b": {"$ref": "#/anyOf/1/properties/a"}}}),
        json!({"anyOf": [{"anyOf": [circle, square]}, {"$ref": "#/$defs/c"}], "$defs": {"c": circle}}),
    ];
    let values = [
        (json!({"kind": "circle", "r": 1}), true),
        (json!({"kind": "circle", "r": "1"}), false),
        (json!({"kind": "circle"}), true),
        (json!({"kind": "square", "a": 1}), true),
        (json!({"kind": "square"}), false),
        (json!({"kind": "line"}), false),
        (json!({"kind": 1}), false),
        (json!({}), false),
    ];
    for source in sources {
        let schema = Schema::new(source.clone()).unwrap();
        assert_eq!(schema.source(), &source);
        for (value, fits) in &values {
            assert_eq!(schema.check(value).is_ok(), *fits, "{source} {value}");
        }
    }
}

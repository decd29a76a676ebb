use coworker_plan::{Pointer, PointerError, Reference, Source, Template, TemplateError};
use serde_json::{Value, json};

use crate::fixture::name;

fn from(step: &str, at: &str) -> Reference {
    Reference { from: Source::Step(name(step)), at: at.parse().unwrap() }
}

#[test]
fn references_are_found_at_any_depth() {
    let value = json!({ "a": [1, { "$from": "goal" }], "b": { "c": { "$from": "s1", "at": "/x/0" } } });
    let template = Template::new(value.clone()).unwrap();
    let goal = Reference { from: Source::Goal, at: Pointer::default() };
    assert_eq!(template.references(), [&goal, &from("s1", "/x/0")]);
    assert_eq!(template.to_value(), value);
}

#[test]
fn a_field_can_be_named_like_a_reference() {
    let escaped = json!({ "$$from": "goal", "x": { "$$$from": 1, "$to": 2, "from": 3 } });
    let template = Template::new(escaped.clone()).unwrap();
    assert!(template.references().is_empty());
    let meant = json!({ "$from": "goal", "x": { "$$from": 1, "$to": 2, "from": 3 } });
    assert_eq!(template, Template::literal(meant));
    assert_eq!(template.to_value(), escaped);
}

#[test]
fn a_malformed_reference_is_refused() {
    for wrong in [
        json!({ "$from": 1 }),
        json!({ "$from": "S1" }),
        json!({ "$from": "" }),
        json!({ "$from": "a", "at": 1 }),
        json!({ "$from": "a", "to": "/x" }),
        json!({ "$from": "a", "at": "", "b": 1 }),
    ] {
        let error = Template::new(json!({ "x": [wrong.clone()] })).unwrap_err();
        assert_eq!(error, TemplateError::Reference { place: "/x/0".to_owned() }, "{wrong}");
    }
    let error = Template::new(json!({ "a/b": { "$from": "a", "at": "x" } })).unwrap_err();
    assert_eq!(error, TemplateError::At { place: "/a~1b".to_owned(), source: PointerError::Malformed });
}

#[test]
fn templates_and_pointers_are_bounded() {
    let nested = |levels: usize| (1..levels).fold(json!(1), |value, _| json!([value]));
    assert!(Template::new(nested(Template::LEVELS)).is_ok());
    assert_eq!(Template::new(nested(Template::LEVELS + 1)), Err(TemplateError::TooDeep));
    let many = |count: usize| Value::from(vec![json!({ "$from": "goal" }); count]);
    assert!(Template::new(many(Template::REFERENCES)).is_ok());
    assert_eq!(Template::new(many(65)), Err(TemplateError::TooManyReferences { count: 65 }));
    assert!("/a".repeat(Pointer::LEVELS).parse::<Pointer>().is_ok());
    assert_eq!("/a".repeat(33).parse::<Pointer>(), Err(PointerError::TooDeep));
    assert_eq!(format!("/{}", "a".repeat(512)).parse::<Pointer>(), Err(PointerError::TooLong));
    for wrong in ["a", "/~", "/~2", "/a~", "/\u{1b}[31m", "/\u{202e}"] {
        assert_eq!(wrong.parse::<Pointer>(), Err(PointerError::Malformed), "{wrong:?}");
    }
}

#[test]
fn a_pointer_finds_its_value() {
    let value = json!({ "a/b": [{ "~": 7 }], "": 8 });
    let find = |at: &str| at.parse::<Pointer>().unwrap().find(&value).cloned();
    assert_eq!(find("/a~1b/0/~0"), Some(json!(7)));
    assert_eq!(find("/"), Some(json!(8)));
    assert_eq!(find(""), Some(value.clone()));
    assert_eq!(find("/a~1b/00"), None);
    assert_eq!("/a~1b/~01".parse::<Pointer>().unwrap().names().collect::<Vec<_>>(), ["a/b", "~1"]);
    assert_eq!(Pointer::field("a/~").unwrap().as_str(), "/a~1~0");
    assert!(Pointer::field(&"/".repeat(300)).is_none());
}

//! A crate with two skills, called as the host calls it.

use coworker_skill::SkillError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// How far.
    steps: u8,
    #[serde(default)]
    back: bool,
}

#[derive(Serialize, JsonSchema)]
struct Place {
    at: i64,
    share: f32,
}

fn step(Ask { steps, back }: Ask) -> Result<Place, SkillError> {
    if steps > 9 {
        return Err(SkillError::Denied("too far".to_owned()));
    }
    Ok(Place { at: if back { -1 } else { 1 } * i64::from(steps), share: 0.5 })
}

coworker_skill::skills! {
    /// Takes some
    /// steps.
    ///
    /// Forward or back.
    step { category: "walk" }
    /// The same under another name.
    step { name: "go.to-2", version: "2.1.0", when_to_use: "never" }
}

#[test]
fn the_descriptor_says_what_was_registered() {
    let [step, go] = component().describe().try_into().unwrap();
    assert_eq!((step.name.as_str(), step.version.as_str()), ("step", env!("CARGO_PKG_VERSION")));
    assert_eq!(step.description, "Takes some steps.\nForward or back.");
    assert_eq!((step.category.as_str(), step.when_to_use.as_str()), ("walk", ""));
    assert_eq!(
        (go.name.as_str(), go.version.as_str(), go.when_to_use.as_str()),
        ("go.to-2", "2.1.0", "never")
    );
}

#[test]
fn schemas_come_from_the_types_without_formats_and_type_names() {
    let descriptor = component().describe().remove(0);
    let input: Value = serde_json::from_str(&descriptor.input_schema).unwrap();
    let steps = json!({"description": "How far.", "type": "integer", "minimum": 0, "maximum": 255});
    assert_eq!(input["properties"]["steps"], steps);
    assert_eq!(input["properties"]["back"], json!({"type": "boolean", "default": false}));
    assert_eq!((&input["required"], &input["additionalProperties"]), (&json!(["steps"]), &json!(false)));
    assert_eq!(input["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let both = descriptor.input_schema + &descriptor.output_schema;
    assert!(!both.contains("format") && !both.contains("Ask") && !both.contains("Place"), "{both}");
}

#[test]
fn calls_answer_or_say_whose_fault_it_is() {
    let invoke = |skill: &str, input: &str| component().invoke(skill, input);
    assert_eq!(invoke("step", r#"{"steps": 3}"#).unwrap(), r#"{"at":3,"share":0.5}"#);
    assert_eq!(invoke("go.to-2", r#"{"steps": 3, "back": true}"#).unwrap(), r#"{"at":-3,"share":0.5}"#);
    assert_eq!(invoke("step", r#"{"steps": 10}"#), Err(SkillError::Denied("too far".to_owned())));
    for bad in ["", "{", "[]", "{}", r#"{"steps": 256}"#, r#"{"steps": 1, "x": 1}"#, r#"{"steps": 1} 2"#] {
        assert!(matches!(invoke("step", bad), Err(SkillError::InvalidInput(_))), "{bad}");
    }
    assert!(matches!(invoke("fly", "{}"), Err(SkillError::Other(_))));
}

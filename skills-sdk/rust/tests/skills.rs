//! Registers two skills and calls them as the host does.

use coworker_skill::SkillError;
use coworker_skill::llm::{self, LlmError, Message, Options};
use coworker_skill::peers::{self, PeerError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The distance.
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
fn the_descriptor_matches_the_registration() {
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
    let steps = json!({"description": "The distance.", "type": "integer", "minimum": 0, "maximum": 255});
    assert_eq!(input["properties"]["steps"], steps);
    assert_eq!(input["properties"]["back"], json!({"type": "boolean", "default": false}));
    assert_eq!((&input["required"], &input["additionalProperties"]), (&json!(["steps"]), &json!(false)));
    assert_eq!(input["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let both = descriptor.input_schema + &descriptor.output_schema;
    assert!(!both.contains("format") && !both.contains("Ask") && !both.contains("Place"), "{both}");
}

#[test]
fn a_call_returns_a_result_or_a_typed_error() {
    let invoke = |skill: &str, input: &str| component().invoke(skill, input);
    assert_eq!(invoke("step", r#"{"steps": 3}"#).unwrap(), r#"{"at":3,"share":0.5}"#);
    assert_eq!(invoke("go.to-2", r#"{"steps": 3, "back": true}"#).unwrap(), r#"{"at":-3,"share":0.5}"#);
    assert_eq!(invoke("step", r#"{"steps": 10}"#), Err(SkillError::Denied("too far".to_owned())));
    for bad in ["", "{", "[]", "{}", r#"{"steps": 256}"#, r#"{"steps": 1, "x": 1}"#, r#"{"steps": 1} 2"#] {
        assert!(matches!(invoke("step", bad), Err(SkillError::InvalidInput(_))), "{bad}");
    }
    assert!(matches!(invoke("fly", "{}"), Err(SkillError::Other(_))));
}

#[test]
fn without_a_host_every_request_is_unavailable() {
    let asked = llm::complete(&[Message::system("Sum up."), Message::user("…")], Options::default());
    assert!(matches!(&asked, Err(LlmError::Unavailable(_))), "{asked:?}");
    assert!(matches!(SkillError::from(asked.unwrap_err()), SkillError::Unavailable(_)));
    let asked: Result<Value, PeerError> = peers::ask("ada", "step", &json!({ "steps": 1 }));
    assert!(matches!(asked, Err(PeerError::Unavailable(_))));
}

#[test]
fn an_error_of_a_peer_does_not_name_it_to_the_caller() {
    let (code, message) = ("UNKNOWN_SKILL".to_owned(), "ada knows no `quote`".to_owned());
    let refused = SkillError::from(PeerError::Refused { code, message });
    assert_eq!(refused, SkillError::from(PeerError::Unavailable("ada is away".to_owned())));
    assert!(!refused.to_string().contains("ada"));
    assert_eq!(SkillError::from(PeerError::Cancelled), SkillError::Cancelled);
    assert_eq!(SkillError::from(PeerError::Deadline), SkillError::Deadline);
    let denied = SkillError::from(PeerError::Denied("ada/quote".to_owned()));
    assert!(matches!(&denied, SkillError::Denied(why) if !why.contains("ada")), "{denied}");
}

use coworker_plan::{Agent, Checked, Plan, PlanError, Showing, Shown};
use coworker_policy::{Card, PeerId, SkillName, Text};
use proptest::prelude::ProptestConfig;
use serde_json::{Value, json};

pub(crate) const ADA: PeerId = PeerId::from_bytes([1; 32]);
pub(crate) const BOB: PeerId = PeerId::from_bytes([2; 32]);
pub(crate) const CHEN: PeerId = PeerId::from_bytes([3; 32]);

/// Tests are not to leave files behind; the seed is printed by the failure.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn name(text: &str) -> SkillName {
    text.parse().unwrap()
}

pub(crate) fn card(name: &str, about: [&str; 3], input: Value, output: Value) -> Card {
    let [description, when_to_use, category] = about.map(|text| Text::new(text).unwrap());
    Card {
        name: self::name(name),
        version: "1.2.0".parse().unwrap(),
        description,
        when_to_use,
        category,
        input_schema: input,
        output_schema: output,
    }
}

pub(crate) fn plain(name: &str, input: Value, output: Value) -> Card {
    card(name, ["", "", ""], input, output)
}

pub(crate) fn showing(agent: Agent, name: &str, cards: Vec<Card>) -> Showing {
    Showing { agent, name: name.parse().unwrap(), cards }
}

pub(crate) fn text() -> Value {
    json!({ "type": "string" })
}

/// An object of these fields; those that end with `?` may be left out.
pub(crate) fn object(fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("not an object") };
    let required: Vec<_> = fields.keys().filter(|name| !name.ends_with('?')).cloned().collect();
    let fields: serde_json::Map<_, _> =
        fields.into_iter().map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema)).collect();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// An output as schemars writes it: other fields are not spoken of.
pub(crate) fn output(fields: Value) -> Value {
    let mut schema = object(fields);
    schema.as_object_mut().unwrap().remove("additionalProperties");
    schema
}

pub(crate) fn plan(value: Value) -> Plan {
    serde_json::from_value(value).unwrap()
}

/// A plan with one key result, of steps as `[id, agent, skill, input]`.
pub(crate) fn steps(steps: &[(&str, Agent, &str, Value)]) -> Plan {
    let steps: Vec<_> = steps
        .iter()
        .map(|(id, agent, skill, input)| {
            json!({ "id": id, "key_result": "kr", "agent": agent, "skill": skill, "input": input })
        })
        .collect();
    plan(
        json!({ "objective": "It is done", "key_results": [{ "id": "kr", "text": "Done" }], "steps": steps }),
    )
}

/// One skill of ours that gives `output` and one that takes `input`; `second` is given to the latter.
pub(crate) fn pair(output: Value, input: Value, second: Value) -> Result<Checked, PlanError> {
    let cards = vec![plain("gives", json!({}), output), plain("takes", input, json!({}))];
    let shown = Shown::new([showing(Agent::Me, "me", cards)]);
    steps(&[("one", Agent::Me, "gives", json!({})), ("two", Agent::Me, "takes", second)])
        .check(&Value::Null, &shown)
}

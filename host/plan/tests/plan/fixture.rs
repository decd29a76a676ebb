use coworker_plan::{Agent, AgentSkills, Checked, Plan, PlanError, VisibleSkills};
use coworker_policy::{Card, PeerId, SkillName, Text};
use proptest::prelude::ProptestConfig;
use serde_json::{Value, json};

pub(crate) const ADA: PeerId = PeerId::from_bytes([1; 32]);
pub(crate) const BOB: PeerId = PeerId::from_bytes([2; 32]);
pub(crate) const CHEN: PeerId = PeerId::from_bytes([3; 32]);

/// Leaves no regression files behind; a failure prints its seed.
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

pub(crate) fn agent_skills(agent: Agent, name: &str, cards: Vec<Card>) -> AgentSkills {
    AgentSkills { agent, name: name.parse().unwrap(), cards }
}

pub(crate) fn text() -> Value {
    json!({ "type": "string" })
}

/// The schema of an object with these fields; a field that ends with `?` is optional.
pub(crate) fn object(fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("not an object") };
    let required: Vec<_> = fields.keys().filter(|name| !name.ends_with('?')).cloned().collect();
    let fields: serde_json::Map<_, _> =
        fields.into_iter().map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema)).collect();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// An output schema as schemars writes it: silent about other fields.
pub(crate) fn output(fields: Value) -> Value {
    let mut schema = object(fields);
    schema.as_object_mut().unwrap().remove("additionalProperties");
    schema
}

pub(crate) fn plan(value: Value) -> Plan {
    serde_json::from_value(value).unwrap()
}

/// A plan with one key result, from steps as `[id, agent, skill, input]`.
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

/// Checks a plan of two steps: a skill that returns `output`, then one that takes `input` and gets `second`.
pub(crate) fn pair(output: Value, input: Value, second: Value) -> Result<Checked, PlanError> {
    let cards = vec![plain("gives", json!({}), output), plain("takes", input, json!({}))];
    let visible = VisibleSkills::new([agent_skills(Agent::Me, "me", cards)]);
    steps(&[("one", Agent::Me, "gives", json!({})), ("two", Agent::Me, "takes", second)])
        .check(&Value::Null, &visible)
}

use serde_json::{Map, Value, json};

use crate::graph::Graph;

/// Rewrites a schema so that an alternative that a tag rules out costs nothing.
///
/// The alternatives of a tagged enum share the names of their fields. Without the rewrite, a value nested `n`
/// times is checked against two alternatives at each level, `2ⁿ` times at the last. `{"properties": {"op":
/// {"const": "add"}, …}, "required": ["op", …]}` means the same as `{"if": …, "then": …, "else": false}`
/// with the tag as the condition, and the validator enters `then` only if the condition holds.
pub(crate) fn separated(source: &Value, graph: &Graph) -> Value {
    let mut schema = source.clone();
    let Some(draft) = Draft::of(source) else { return schema };
    let mut places: Vec<&str> = graph.nodes.iter().map(|node| node.place.as_str()).collect();
    // From the inside out, so that no later place lies inside a part that was moved.
    places.sort_unstable_by_key(|place| std::cmp::Reverse(place.len()));
    for place in places {
        for keyword in ["anyOf", "oneOf"] {
            let choice = format!("{place}/{keyword}");
            if !graph.is_referred_into(&choice) {
                let alternatives = schema.pointer_mut(&choice).and_then(Value::as_array_mut);
                alternatives.into_iter().flatten().for_each(|alternative| separate(alternative, draft));
            }
        }
    }
    schema
}

/// The drafts that have `if`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Draft {
    /// Ignores all keywords beside `$ref`.
    Seven,
    Later,
}

impl Draft {
    fn of(source: &Value) -> Option<Self> {
        let Some(named) = source.get("$schema").and_then(Value::as_str) else { return Some(Self::Later) };
        let named = named.trim_end_matches('#').trim_end_matches("/schema");
        match named.rsplit_once("json-schema.org/")?.1 {
            "draft-07" => Some(Self::Seven),
            "draft/2019-09" | "draft/2020-12" => Some(Self::Later),
            _ => None,
        }
    }
}

fn separate(alternative: &mut Value, draft: Draft) {
    let Some(keywords) = alternative.as_object() else { return };
    if draft == Draft::Seven && keywords.contains_key("$ref") {
        return;
    }
    let Some(tags) = tags(keywords) else { return };
    let required: Vec<&String> = tags.keys().collect();
    let condition = json!({"properties": tags, "required": required});
    *alternative = json!({"if": condition, "then": alternative.take(), "else": false});
}

/// The required properties that allow a single text. `None` if there are none.
fn tags(keywords: &Map<String, Value>) -> Option<Map<String, Value>> {
    let required = keywords.get("required")?.as_array()?;
    let constant = |schema: &Value| schema.get("const").filter(|value| value.is_string()).cloned();
    let tags: Map<String, Value> = keywords
        .get("properties")?
        .as_object()?
        .iter()
        .filter(|(name, _)| required.iter().any(|required| required == *name))
        .filter_map(|(name, schema)| Some((name.clone(), json!({"const": constant(schema)?}))))
        .collect();
    (!tags.is_empty()).then_some(tags)
}

/// The tags that an `if` requires. `None` if it requires anything else.
pub(crate) fn required_by(condition: &Value) -> Option<Vec<(String, String)>> {
    let keywords = condition.as_object()?;
    let tags = tags(keywords)?;
    let same = json!({"properties": tags, "required": tags.keys().collect::<Vec<_>>()});
    let text =
        |(name, schema): (&String, &Value)| Some((name.clone(), schema.get("const")?.as_str()?.to_owned()));
    (same == *condition).then(|| tags.iter().filter_map(text).collect())
}

/// Whether the validator considers these tags present. It does for every value that is not an object.
pub(crate) fn has(tags: &[(String, String)], value: &Value) -> bool {
    let Value::Object(object) = value else { return true };
    tags.iter().all(|(name, text)| object.get(name).and_then(Value::as_str) == Some(text))
}

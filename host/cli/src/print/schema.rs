//! A JSON Schema, told in lines: what each field is and means. Peers write schemas, so depth and length
//! are bounded and every text is made plain.

use serde_json::Value;

use super::plain::line;

/// Objects in objects are told this deep.
const MAX_DEPTH: usize = 4;
/// References to references are followed this far: they may go in circles.
const MAX_HOPS: usize = 8;
const MAX_LINES: usize = 60;
/// Longest list of choices, in characters.
const MAX_CHOICES: usize = 120;

/// Lines for people, each field on its own.
pub(super) fn tell(schema: &Value) -> Vec<String> {
    let mut rows = Vec::new();
    fields(schema, schema, 0, &mut rows);
    if rows.is_empty() {
        rows.push((String::new(), kind(schema, schema), note(schema)));
    }
    rows.truncate(MAX_LINES);
    let widths = (width(&rows, |row| &row.0), width(&rows, |row| &row.1));
    let told = |(name, kind, note): &Row| {
        format!("{name:<0$}  {kind:<1$}  {note}", widths.0, widths.1).trim_end().to_owned()
    };
    rows.iter().map(told).collect()
}

/// A field's name, type and meaning.
type Row = (String, String, String);

fn width(rows: &[Row], column: impl Fn(&Row) -> &String) -> usize {
    rows.iter().map(|row| column(row).chars().count()).max().unwrap_or_default().min(40)
}

fn fields(schema: &Value, root: &Value, depth: usize, rows: &mut Vec<Row>) {
    let schema = resolve(schema, root);
    let Some(properties) = schema["properties"].as_object() else { return };
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|n| n == name));
    for (name, field) in properties {
        if rows.len() >= MAX_LINES {
            return;
        }
        let mut kind = kind(field, root);
        if !required(name) {
            kind.push_str(&default(field));
        }
        rows.push((format!("{}{}", "  ".repeat(depth), line(name)), kind, note(field)));
        if depth + 1 < MAX_DEPTH {
            let field = resolve(field, root);
            fields(if field["items"].is_object() { &field["items"] } else { field }, root, depth + 1, rows);
        }
    }
}

fn default(field: &Value) -> String {
    match &field["default"] {
        Value::Null => ", optional".to_owned(),
        value => format!(", default {}", cut(&value.to_string())),
    }
}

fn note(schema: &Value) -> String {
    line(schema["description"].as_str().unwrap_or_default())
}

/// Follows `#/$defs/Name` and `#/definitions/Name`.
fn resolve<'a>(mut schema: &'a Value, root: &'a Value) -> &'a Value {
    for _ in 0..MAX_HOPS {
        let target = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        match target.and_then(|path| root.pointer(path)) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

fn kind(schema: &Value, root: &Value) -> String {
    kind_within(schema, root, MAX_DEPTH)
}

fn kind_within(schema: &Value, root: &Value, depth: usize) -> String {
    let schema = resolve(schema, root);
    if depth == 0 {
        return "…".to_owned();
    }
    if let Some(choices) = schema["enum"].as_array() {
        return one_of(choices.iter());
    }
    if !schema["const"].is_null() {
        return cut(&schema["const"].to_string());
    }
    if let Some(variants) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        if variants.iter().all(|variant| !variant["const"].is_null()) {
            return one_of(variants.iter().map(|variant| &variant["const"]));
        }
        let kinds: Vec<_> = variants.iter().take(8).map(|v| kind_within(v, root, depth - 1)).collect();
        return cut(&kinds.join(" or "));
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("list of {}", kind_within(&schema["items"], root, depth - 1))
        }
        Value::String(kind) => format!("{}{}", line(kind), bounds(schema)),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().take(8).filter_map(Value::as_str).map(line).collect();
            format!("{}{}", cut(&kinds.join(" or ")), bounds(schema))
        }
        _ => "anything".to_owned(),
    }
}

fn one_of<'a>(choices: impl Iterator<Item = &'a Value>) -> String {
    let choices: Vec<_> =
        choices.take(32).map(|choice| choice.as_str().map_or(choice.to_string(), str::to_owned)).collect();
    cut(&format!("one of {}", choices.join(", ")))
}

fn bounds(schema: &Value) -> String {
    let number = |key: &str| schema[key].as_number().map(ToString::to_string);
    let (unit, low, high) = match schema["type"].as_str() {
        Some("string") => (" characters", number("minLength"), number("maxLength")),
        _ => ("", number("minimum"), number("maximum")),
    };
    match (low, high) {
        (Some(low), Some(high)) => format!(", {low} to {high}{unit}"),
        (Some(low), None) if low != "0" => format!(", at least {low}{unit}"),
        (None, Some(high)) => format!(", at most {high}{unit}"),
        _ => String::new(),
    }
}

fn cut(text: &str) -> String {
    let text = line(text);
    if text.chars().count() <= MAX_CHOICES {
        return text;
    }
    text.chars().take(MAX_CHOICES).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_told_with_type_bounds_and_meaning() {
        let schema = json!({
            "type": "object",
            "required": ["text"],
            "$defs": { "Kind": { "oneOf": [{ "const": "email" }, { "const": "phone" }] } },
            "properties": {
                "kinds": { "type": "array", "items": { "$ref": "#/$defs/Kind" } },
                "sentences": { "type": "integer", "minimum": 1, "maximum": 20, "default": 3 },
                "text": { "type": "string", "maxLength": 100, "description": "What to\nread." },
            },
        });
        assert_eq!(
            tell(&schema),
            [
                "kinds      list of one of email, phone, optional",
                "sentences  integer, 1 to 20, default 3",
                "text       string, at most 100 characters         What to read.",
            ]
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({
            "$ref": "#/$defs/A",
            "$defs": { "A": { "properties": { "a": { "$ref": "#/$defs/A" } } }, "L": { "$ref": "#/$defs/L" } },
        });
        assert_eq!(tell(&schema).len(), MAX_DEPTH);
        assert_eq!(tell(&json!({ "$ref": "#/$defs/L", "$defs": schema["$defs"] })), ["  anything"]);
    }
}

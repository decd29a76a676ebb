//! Renders a step's input for a terminal.

use crate::brief::brief;
use crate::template::{Part, Template};

/// The most parts that are printed for one input.
const PARTS: usize = 8;

impl Template {
    /// Describes each part of the input in one line of plain text: `text ← redact/text`, `to = "de"`. Long lines and
    /// long lists are cut.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        leaves(self.part(), "", &mut lines);
        lines
    }
}

fn leaves(part: &Part, at: &str, lines: &mut Vec<String>) {
    let named = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    match part {
        _ if lines.len() == PARTS => {
            lines.push("…".to_owned());
        }
        _ if lines.len() > PARTS => {}
        Part::From(reference) => {
            lines.push(format!("{} ← {}", shown_name(at), brief(&reference.to_string())));
        }
        Part::Object(parts) => parts.iter().for_each(|(name, part)| leaves(part, &named(name), lines)),
        Part::Array(parts) => {
            parts.iter().enumerate().for_each(|(i, part)| leaves(part, &named(&i.to_string()), lines));
        }
        Part::Literal(serde_json::Value::Object(fields)) if at.is_empty() => {
            let fields = fields.iter().take(PARTS + 1);
            fields.for_each(|(name, value)| leaves(&Part::Literal(value.clone()), &named(name), lines));
        }
        Part::Literal(value) => {
            const CHARACTERS: usize = 40;
            let text = value.to_string();
            let cut: String = text.chars().take(CHARACTERS).collect();
            let more = if text.chars().nth(CHARACTERS).is_some() { "…" } else { "" };
            lines.push(format!("{} = {}{more}", shown_name(at), brief(&cut)));
        }
    }
}

/// Quotes a field's name if it could be mistaken for anything else.
fn shown_name(at: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./~".contains(c);
    match at {
        "" => "input".to_owned(),
        at if at.chars().all(plain) => brief(at),
        at => brief(&serde_json::Value::from(at).to_string()),
    }
}

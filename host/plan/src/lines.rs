//! A plan for a terminal.

use crate::checked::Checked;
use crate::plan::Step;
use crate::problem::brief;
use crate::shown::Shown;
use crate::template::{Part, Template};

/// Parts of an input that are shown of one step.
const PARTS: usize = 8;

impl Checked {
    /// The plan in lines of plain text: what is to be there, and the steps in the order in which they can run. Steps
    /// with one bracket run at the same time; `←` says where a part of an input comes from. What others wrote stands on
    /// one line and is cut.
    pub fn lines(&self, shown: &Shown) -> Vec<String> {
        let mut lines = vec![brief(self.plan.objective.as_str()), String::new()];
        let width = widest(self.plan.key_results.iter().map(|key_result| key_result.id.as_str()));
        for key_result in &self.plan.key_results {
            lines.push(format!("  {:width$}  {}", key_result.id, brief(key_result.text.as_str())));
        }
        lines.push(String::new());
        let ids = widest(self.plan.steps.iter().map(|step| step.id.as_str()));
        let whose: Vec<_> = self.plan.steps.iter().map(|step| who(step, shown)).collect();
        let agents = widest(whose.iter().map(String::as_str));
        for wave in self.waves() {
            for (i, step) in wave.iter().enumerate() {
                let bracket = bracket(i, wave.len());
                let line =
                    format!("{bracket} {:ids$}  {:agents$}  {}", step.id, who(step, shown), what(step));
                lines.push(line.trim_end().to_owned());
            }
        }
        lines
    }
}

fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}

fn bracket(at: usize, of: usize) -> char {
    match at {
        _ if of == 1 => ' ',
        0 => '┌',
        at if at + 1 == of => '└',
        _ => '│',
    }
}

fn who(step: &Step, shown: &Shown) -> String {
    let name =
        shown.of(&step.agent).map_or_else(|| step.agent.to_string(), |showing| showing.name.to_string());
    format!("{}/{}", brief(&name), step.skill)
}

impl Template {
    /// What an input is made of, one line of plain text for each part: `text ← redact/text`, `to = "de"`. Long ones
    /// are cut, and so are many.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        leaves(self.part(), "", &mut lines);
        lines
    }
}

fn what(step: &Step) -> String {
    let mut what = step.input.lines().join(", ");
    if !step.after.is_empty() {
        let after: Vec<_> = step.after.iter().map(ToString::to_string).collect();
        what = format!("{what}  after {}", after.join(", "));
    }
    if !step.text.is_empty() {
        what = format!("{what}  ({})", brief(step.text.as_str()));
    }
    what
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

/// A field's name, in quotation marks if it could be taken for more than that.
fn shown_name(at: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./~".contains(c);
    match at {
        "" => "input".to_owned(),
        at if at.chars().all(plain) => brief(at),
        at => brief(&serde_json::Value::from(at).to_string()),
    }
}

use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::print;

/// The result of a command, for people and for programs; one of the two is printed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    text: String,
    fields: Map<String, Value>,
    /// Everything was said while it worked.
    silent: bool,
}

impl Report {
    /// For people. Text of others in it must be plain already.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// For commands that print while they work.
    pub(crate) fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    /// For programs: every field of an answer.
    pub(crate) fn fields(mut self, answer: &impl Serialize) -> Self {
        if let Value::Object(fields) = value(answer) {
            self.fields.extend(fields);
        }
        self
    }

    /// For programs: one field.
    pub(crate) fn field(mut self, name: &str, answer: &impl Serialize) -> Self {
        self.fields.insert(name.to_owned(), value(answer));
        self
    }

    pub(crate) fn document(&self) -> Value {
        let mut document = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
        document.extend(self.fields.clone());
        Value::Object(document)
    }

    pub(crate) fn print(self, json: bool) -> Exit {
        // A command that reports findings and then fails has its own "ok" and error.
        let exit = if self.fields.get("ok") == Some(&Value::Bool(false)) { Exit::Failed } else { Exit::Done };
        if !self.silent && json {
            print::document(&self.document());
        } else if !self.silent && !self.text.is_empty() {
            print::out(&self.text);
        }
        exit
    }
}

/// Answers are structs of plain data with text as keys: they always serialise.
fn value(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_has_the_answer_beside_ok() {
        let report = Report::text("x").fields(&json!({ "name": "ada" })).field("skills", &["about"]);
        assert_eq!(report.document(), json!({ "ok": true, "name": "ada", "skills": ["about"] }));
    }

    #[test]
    fn a_report_of_a_failure_exits_with_one() {
        assert_eq!(Report::silent().field("ok", &false).print(true), Exit::Failed);
        assert_eq!(Report::silent().print(true), Exit::Done);
    }
}

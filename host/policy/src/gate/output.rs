use std::sync::Arc;

use serde_json::Value;

use crate::refusal::Refusal;
use crate::skill::Skill;
use crate::text::Text;

/// Longest note of a progress report, in bytes.
const MAX_NOTE: usize = 200;

/// What the result of one permitted call is held to.
#[derive(Clone, Debug)]
pub struct OutputTerms {
    skill: Arc<Skill>,
    max: usize,
}

/// A result that may leave: JSON, of the promised shape, within the caller's cap.
#[derive(Debug)]
pub struct CheckedOutput(Value);

impl OutputTerms {
    pub(super) fn new(skill: Arc<Skill>, max: usize) -> Self {
        Self { skill, max }
    }

    /// Decides by what the guest returned.
    pub fn check(&self, output: &str) -> Result<CheckedOutput, Refusal> {
        // G11: the size.
        if output.len() > self.max {
            return Err(Refusal::OutputTooLarge { size: output.len(), max: self.max });
        }
        // G12: JSON.
        let value: Value =
            serde_json::from_str(output).map_err(|error| Refusal::OutputNotJson(error.to_string()))?;
        // G13: the schema on the card.
        self.skill.output.check(&value).map_err(Refusal::OutputMismatch)?;
        Ok(CheckedOutput(value))
    }
}

/// What one permitted call may tell its caller before it ends: notes on its progress, and parts of its output.
#[derive(Debug)]
pub struct StreamTerms {
    max: usize,
    /// Bytes of JSON of the parts so far.
    used: usize,
    next: u64,
}

/// A part of the output that may leave before the call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPart {
    index: u64,
    text: String,
}

/// A report on how far the call is, no longer than one may be. Most are overtaken by the next before anybody
/// hears them, so that its text is looked at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutNote {
    percent: u8,
    text: String,
}

/// A report on how far the call is that may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedNote {
    percent: u8,
    text: Text,
}

impl StreamTerms {
    pub(super) fn new(max: usize) -> Self {
        Self { max, used: 0, next: 0 }
    }

    /// Decides by a part of the output and those before it.
    pub fn part(&mut self, part: String) -> Result<CheckedPart, Refusal> {
        // Written as JSON a text is longer than itself; what is too long already is not written.
        let size = if part.len() > self.max { part.len() } else { json_size(&part) };
        let size = self.used.saturating_add(size);
        // G16: all parts together, as they leave, against the cap of the result.
        if size > self.max {
            return Err(Refusal::OutputTooLarge { size, max: self.max });
        }
        let index = self.next;
        (self.used, self.next) = (size, index + 1);
        Ok(CheckedPart { index, text: part })
    }

    /// Decides by a progress report: what is too much of it is cut.
    pub fn note(&self, percent: u8, note: &str) -> CutNote {
        CutNote { percent: percent.min(100), text: cut(note).to_owned() }
    }
}

impl CutNote {
    pub fn check(&self) -> CheckedNote {
        // G17: plain text, and short. What takes the place of a character may be longer than it.
        let plain = Text::sanitized(&self.text);
        CheckedNote { percent: self.percent, text: Text::sanitized(cut(plain.as_str())) }
    }
}

fn cut(note: &str) -> &str {
    &note[..note.floor_char_boundary(MAX_NOTE)]
}

/// Every text serialises, so the fallback is never taken.
fn json_size(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}

impl CheckedPart {
    /// Counts from 0 in every run of a call.
    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

impl CheckedNote {
    /// 0 to 100.
    pub fn percent(&self) -> u8 {
        self.percent
    }

    pub fn into_text(self) -> Text {
        self.text
    }
}

impl CheckedOutput {
    pub fn value(&self) -> &Value {
        &self.0
    }
}

use std::sync::Arc;

use coworker_leak::{PendingParts, Watch};
use serde_json::Value;

use crate::refusal::Refusal;
use crate::skill::Skill;
use crate::text::Text;

/// Longest note of a progress report, in bytes.
const MAX_NOTE: usize = 200;

/// The checks that the result of one permitted call must pass.
#[derive(Clone, Debug)]
pub struct OutputTerms {
    skill: Arc<Skill>,
    max: usize,
    watch: Option<Arc<Watch>>,
}

/// A result that may leave: JSON that fits the output schema and the caller's limits, without private text.
#[derive(Debug)]
pub struct CheckedOutput(Value);

impl OutputTerms {
    pub(super) fn new(skill: Arc<Skill>, max: usize, watch: Option<Arc<Watch>>) -> Self {
        Self { skill, max, watch }
    }

    /// Decides by the result that the guest returned.
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
        let Some(watch) = &self.watch else { return Ok(CheckedOutput(value)) };
        // G27: the bytes of the day.
        watch.take(output.len())?;
        // G23: no private text in it. G26: no more short runs than may ever leave.
        let Some(redacted) = watch.result(output, &value)? else { return Ok(CheckedOutput(value)) };
        self.skill.output.check(&redacted).map_err(Refusal::OutputMismatch)?;
        Ok(CheckedOutput(redacted))
    }

    /// Decides by the text of the error that the guest returned.
    pub fn error(&self, text: &str) -> Result<(), Refusal> {
        // G23: no private text in it.
        let Some(watch) = &self.watch else { return Ok(()) };
        Ok(watch.error(text)?)
    }
}

/// The checks for output that one permitted call sends before its result: progress notes and parts of the output.
#[derive(Debug)]
pub struct StreamTerms {
    max: usize,
    /// Bytes of JSON of the parts so far.
    used: usize,
    next: u64,
    watch: Option<Arc<Watch>>,
    /// Parts that wait for the text after them. `None` if the component has nothing private.
    pending: Option<PendingParts>,
}

/// A part of the output that may leave before the call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPart {
    index: u64,
    text: String,
}

/// A progress report of at most the allowed length. Its words are checked last, because most reports are replaced
/// by the next before they are sent.
#[derive(Clone, Debug)]
pub struct CutNote {
    percent: u8,
    text: String,
    watch: Option<Arc<Watch>>,
}

/// A progress report that may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedNote {
    percent: u8,
    text: Text,
}

impl StreamTerms {
    pub(super) fn new(max: usize, watch: Option<Arc<Watch>>) -> Self {
        let pending = watch.as_ref().and_then(PendingParts::new);
        Self { max, used: 0, next: 0, pending, watch }
    }

    /// Decides by a part of the output and all parts before it. Returns the parts that may leave now: a part that can
    /// be judged only with the text after it is returned by a later call, or by [`Self::finish`].
    pub fn part(&mut self, part: String) -> Result<Vec<CheckedPart>, Refusal> {
        // JSON never shortens a text, so one that is too long already is not serialised.
        let size = if part.len() > self.max { part.len() } else { json_size(&part) };
        let size = self.used.saturating_add(size);
        // G16: the JSON of all parts together, against the limit of the result.
        if size > self.max {
            return Err(Refusal::OutputTooLarge { size, max: self.max });
        }
        self.used = size;
        // G24: no private text in any part, nor across parts, before the first part of it leaves.
        let parts = match &mut self.pending {
            Some(pending) => pending.push(part)?,
            None => vec![part],
        };
        self.leave(parts)
    }

    /// Returns the parts that still wait, once the guest sends no more.
    pub fn finish(&mut self) -> Result<Vec<CheckedPart>, Refusal> {
        let parts = self.pending.as_mut().map_or(Ok(Vec::new()), PendingParts::finish)?;
        self.leave(parts)
    }

    fn leave(&mut self, parts: Vec<String>) -> Result<Vec<CheckedPart>, Refusal> {
        if let Some(watch) = &self.watch {
            // G27: the bytes of the day.
            watch.take(parts.iter().map(String::len).sum())?;
        }
        let first = self.next;
        self.next += parts.len() as u64;
        Ok((first..).zip(parts).map(|(index, text)| CheckedPart { index, text }).collect())
    }

    /// Accepts a progress report and cuts it to the allowed length.
    pub fn note(&self, percent: u8, note: &str) -> CutNote {
        CutNote { percent: percent.min(100), text: cut(note).to_owned(), watch: self.watch.clone() }
    }
}

impl CutNote {
    pub fn check(&self) -> CheckedNote {
        // G17: plain and short text. Cut again, because a replacement character can be longer than the original.
        let plain = Text::sanitized(&self.text);
        let text = Text::sanitized(cut(plain.as_str()));
        // G25: no private text in it, nor across the notes so far; otherwise its words are dropped.
        let passes = self.watch.as_ref().is_none_or(|watch| watch.note(text.as_str()));
        CheckedNote { percent: self.percent, text: if passes { text } else { Text::default() } }
    }
}

fn cut(note: &str) -> &str {
    &note[..note.floor_char_boundary(MAX_NOTE)]
}

/// Every text serialises, so the fallback is never used.
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

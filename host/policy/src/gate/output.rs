use std::sync::Arc;

use serde_json::Value;

use crate::leak::{Held, Watch};
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
    watch: Option<Arc<Watch>>,
}

/// A result that may leave: JSON, of the promised shape, within the caller's caps, with nothing private in it.
#[derive(Debug)]
pub struct CheckedOutput(Value);

impl OutputTerms {
    pub(super) fn new(skill: Arc<Skill>, max: usize, watch: Option<Arc<Watch>>) -> Self {
        Self { skill, max, watch }
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
        let Some(watch) = &self.watch else { return Ok(CheckedOutput(value)) };
        // G27: the bytes of the day.
        watch.take(output.len())?;
        // G23: nothing private in it. G26: nor more in short runs than may ever leave.
        let Some(redacted) = watch.result(output, &value)? else { return Ok(CheckedOutput(value)) };
        self.skill.output.check(&redacted).map_err(Refusal::OutputMismatch)?;
        Ok(CheckedOutput(redacted))
    }

    /// Decides by the text of the error that the guest answered with.
    pub fn error(&self, text: &str) -> Result<(), Refusal> {
        // G23: nothing private in it either.
        self.watch.as_ref().map_or(Ok(()), |watch| watch.error(text))
    }
}

/// What one permitted call may tell its caller before it ends: notes on its progress, and parts of its output.
#[derive(Debug)]
pub struct StreamTerms {
    max: usize,
    /// Bytes of JSON of the parts so far.
    used: usize,
    next: u64,
    watch: Option<Arc<Watch>>,
    /// Parts that wait for what follows them; none where there is nothing private.
    held: Option<Held>,
}

/// A part of the output that may leave before the call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPart {
    index: u64,
    text: String,
}

/// A report on how far the call is, no longer than one may be. Most are overtaken by the next before anybody
/// hears them, so that its text is looked at last.
#[derive(Clone, Debug)]
pub struct CutNote {
    percent: u8,
    text: String,
    watch: Option<Arc<Watch>>,
}

/// A report on how far the call is that may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedNote {
    percent: u8,
    text: Text,
}

impl StreamTerms {
    pub(super) fn new(max: usize, watch: Option<Arc<Watch>>) -> Self {
        Self { max, used: 0, next: 0, held: watch.as_ref().and_then(Held::new), watch }
    }

    /// Decides by a part of the output and those before it. Parts of which only what follows can tell whether
    /// they may leave come out with a later one, or at the end.
    pub fn part(&mut self, part: String) -> Result<Vec<CheckedPart>, Refusal> {
        // Written as JSON a text is longer than itself; what is too long already is not written.
        let size = if part.len() > self.max { part.len() } else { json_size(&part) };
        let size = self.used.saturating_add(size);
        // G16: all parts together, as they leave, against the cap of the result.
        if size > self.max {
            return Err(Refusal::OutputTooLarge { size, max: self.max });
        }
        self.used = size;
        // G24: nothing private in them, nor in all of them together, before the first of it leaves.
        let parts = match &mut self.held {
            Some(held) => held.push(part)?,
            None => vec![part],
        };
        self.leave(parts)
    }

    /// The parts that still wait, when the guest is done and no more come.
    pub fn finish(&mut self) -> Result<Vec<CheckedPart>, Refusal> {
        let parts = self.held.as_mut().map_or(Ok(Vec::new()), Held::finish)?;
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

    /// Decides by a progress report: what is too much of it is cut.
    pub fn note(&self, percent: u8, note: &str) -> CutNote {
        CutNote { percent: percent.min(100), text: cut(note).to_owned(), watch: self.watch.clone() }
    }
}

impl CutNote {
    pub fn check(&self) -> CheckedNote {
        // G17: plain text, and short. What takes the place of a character may be longer than it.
        let plain = Text::sanitized(&self.text);
        let text = Text::sanitized(cut(plain.as_str()));
        // G25: nothing private in it, nor in all that were heard; else it has no words.
        let passes = self.watch.as_ref().is_none_or(|watch| watch.note(text.as_str()));
        CheckedNote { percent: self.percent, text: if passes { text } else { Text::default() } }
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

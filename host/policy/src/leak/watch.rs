//! One call's watch: everything that it tells its caller passes here.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use super::disclosed::Disclosed;
use super::guard::{Found, Guard, Known};
use super::tokens::Tokens;
use super::{Leak, Leaks, WITHHELD};
use crate::limits::Limits;
use crate::refusal::Refusal;

/// Bytes of parts that are judged together: fewer wait for more.
const BATCH: usize = 64;
/// Bytes before them that encodings are looked for in, too.
const TAIL: usize = 256;
/// What has to follow a part before it may leave: then no run that begins in it could be unfinished. Words
/// count by weight; a run of 40 letters has about 80 as hexadecimal digits.
const FOLLOWING_WORDS: usize = 16;
const FOLLOWING_LETTERS: usize = 128;

/// What one peer has drawn of one component, shared by its calls that run at once.
#[derive(Clone, Debug, Default)]
pub struct Account(Arc<Mutex<Disclosed>>);

/// The guard of one call, with what its caller drew before.
pub struct Watch {
    guard: Option<Guard>,
    mode: Leaks,
    leak_words: u64,
    day_bytes: u64,
    /// Days since the Unix epoch, UTC.
    day: i64,
    account: Account,
    known: Known,
    said: Mutex<Said>,
}

/// What the call told so far.
#[derive(Default)]
struct Said {
    /// The end of its parts, and of its notes.
    parts: Tokens,
    notes: Tokens,
    sightings: Vec<Sighting>,
}

/// Something that was found in a call, for the owner: never what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    pub place: Place,
    pub what: Leak,
    pub action: Leaks,
}

/// Where in a call something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Result,
    Part,
    Note,
    Error,
}

enum Verdict {
    Pass,
    Redact,
    Withhold(Leak),
}

impl Account {
    pub fn new(disclosed: Disclosed) -> Self {
        Self(Arc::new(Mutex::new(disclosed)))
    }

    /// Whether somebody else holds it, too.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// As it is now.
    pub fn disclosed(&self) -> Disclosed {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Disclosed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(crate) fn new(
        guard: Option<Guard>,
        mode: Leaks,
        limits: &Limits,
        account: Account,
        day: i64,
        input: &str,
    ) -> Self {
        let input = if guard.is_some() { input.to_owned() } else { String::new() };
        Self {
            guard,
            mode,
            leak_words: limits.leak_words,
            day_bytes: limits.output_bytes_per_day,
            day,
            account,
            known: Known::new(input),
            said: Mutex::default(),
        }
    }

    /// What was found in the call so far.
    pub fn sightings(&self) -> Vec<Sighting> {
        self.said().sightings.clone()
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Counts bytes that leave against the day's.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Refusal> {
        let taken = self.account.lock().take(bytes, self.day, self.day_bytes);
        taken.map_err(|_| Refusal::TooMuchOutput { max: self.day_bytes })
    }

    /// The result as it may leave: `None` as it is, otherwise with something taken out.
    pub(crate) fn result(&self, json: &str, value: &Value) -> Result<Option<Value>, Refusal> {
        let Some(guard) = &self.guard else { return Ok(None) };
        let before = self.said().parts.clone();
        let found = guard.look(json, true, &before, &self.known);
        match self.judge(&found, Place::Result) {
            Verdict::Pass => Ok(None),
            Verdict::Withhold(leak) => Err(Refusal::Withheld(leak)),
            Verdict::Redact => {
                let mut value = value.clone();
                self.redact(guard, &mut value);
                // Runs over several strings, keys, and what no string shows by itself are left.
                let found = guard.look(&value.to_string(), true, &before, &self.known);
                match self.judge(&found, Place::Result) {
                    Verdict::Pass => Ok(Some(value)),
                    Verdict::Redact => Err(Refusal::Withheld(found.leak(self.leak_words))),
                    Verdict::Withhold(leak) => Err(Refusal::Withheld(leak)),
                }
            }
        }
    }

    fn redact(&self, guard: &Guard, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redacted(guard, text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.redact(guard, value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.redact(guard, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn redacted(&self, guard: &Guard, text: &str) -> String {
        let without = guard.without_runs(text, &self.known).unwrap_or_else(|| text.to_owned());
        let found = guard.look(&without, false, &Tokens::default(), &self.known);
        if found.is_leak() { WITHHELD.to_owned() } else { without }
    }

    /// Decides by the text of an error, which leaves as it is or not at all.
    pub(crate) fn error(&self, text: &str) -> Result<(), Refusal> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let before = self.said().parts.clone();
        let found = guard.look(text, false, &before, &self.known);
        match self.judge(&found, Place::Error) {
            Verdict::Pass => Ok(()),
            Verdict::Redact => Err(Refusal::Withheld(found.leak(self.leak_words))),
            Verdict::Withhold(leak) => Err(Refusal::Withheld(leak)),
        }
    }

    /// Decides by a note that is about to be heard, behind those that were. It is not waited for the next one,
    /// so that any private words in a row are too many.
    pub(crate) fn note(&self, text: &str) -> bool {
        let Some(guard) = &self.guard else { return true };
        let mut said = self.said();
        let before = said.notes.clone();
        let found = guard.look(text, false, &before, &self.known);
        let clean = !found.is_anything();
        if !clean {
            said.sight(Sighting { place: Place::Note, what: found.leak(self.leak_words), action: self.mode });
        }
        let passes = clean || self.mode == Leaks::Report && !found.canary && !found.secret;
        if passes {
            said.notes.feed(text);
            said.notes.end(text.len());
            said.notes.keep_end();
        }
        passes
    }

    fn judge(&self, found: &Found, place: Place) -> Verdict {
        let leaked = found.canary || found.secret || found.is_leak();
        let max = if self.mode == Leaks::Report { u64::MAX } else { self.leak_words };
        // What is withheld anyway is not drawn.
        let disclosed = if leaked && self.mode != Leaks::Report {
            Ok(0)
        } else {
            self.account.lock().reveal(&found.runs, max)
        };
        if !leaked && disclosed.is_ok() {
            return Verdict::Pass;
        }
        let what = found.leak(self.leak_words);
        self.said().sight(Sighting { place, what, action: self.mode });
        match self.mode {
            _ if found.canary || found.secret => Verdict::Withhold(what),
            Leaks::Block => Verdict::Withhold(what),
            Leaks::Redact => Verdict::Redact,
            Leaks::Report => Verdict::Pass,
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    /// Sightings that are kept of one call.
    const SIGHTINGS: usize = 16;

    fn sight(&mut self, sighting: Sighting) {
        if self.sightings.len() < Self::SIGHTINGS && !self.sightings.contains(&sighting) {
            self.sightings.push(sighting);
        }
    }
}

impl Found {
    /// The worst of it.
    fn leak(&self, max: u64) -> Leak {
        match self {
            Self { secret: true, .. } => Leak::Secret,
            Self { canary: true, .. } => Leak::Canary,
            Self { words: 1.., .. } => Leak::Words(self.words),
            Self { letters: 1.., .. } => Leak::Letters,
            _ => Leak::Budget { max },
        }
    }

    fn is_anything(&self) -> bool {
        self.canary || self.secret || self.is_leak() || !self.runs.is_empty()
    }
}

/// Parts that wait until it is sure that nothing private begins in them.
pub(crate) struct Held {
    watch: Arc<Watch>,
    parts: VecDeque<Waiting>,
    /// The parts as one text, and each as a line of its own.
    joined: Tokens,
    lined: Tokens,
    /// Weight of words, and letters, of all parts so far.
    weight: usize,
    letters: usize,
    /// What was judged last, its end, and what was not judged yet.
    text: String,
    unjudged: usize,
}

struct Waiting {
    part: String,
    /// Of all parts up to its end.
    weight: usize,
    letters: usize,
}

impl Held {
    /// `None` where there is nothing to look for: then nothing has to wait.
    pub(crate) fn new(watch: &Arc<Watch>) -> Option<Self> {
        watch.guard.is_some().then(|| Self {
            watch: Arc::clone(watch),
            parts: VecDeque::new(),
            joined: Tokens::default(),
            lined: Tokens::default(),
            weight: 0,
            letters: 0,
            text: String::new(),
            unjudged: 0,
        })
    }

    /// Takes a part; those that come out may leave.
    pub(crate) fn push(&mut self, part: String) -> Result<Vec<String>, Refusal> {
        let (words, letters) = (self.lined.words.len(), self.lined.letters.len());
        self.joined.feed(&part);
        self.lined.feed(&part);
        self.lined.end(part.len());
        self.weight += self.lined.words[words..].iter().map(|word| usize::from(word.weight)).sum::<usize>();
        self.letters += self.lined.letters.len() - letters;
        self.text.push_str(&part);
        self.unjudged += part.len();
        self.parts.push_back(Waiting { part, weight: self.weight, letters: self.letters });
        if self.unjudged < BATCH {
            return Ok(Vec::new());
        }
        self.judge()?;
        Ok(self.release())
    }

    /// No more come, and all that wait may leave.
    pub(crate) fn finish(&mut self) -> Result<Vec<String>, Refusal> {
        if self.parts.is_empty() {
            return Ok(Vec::new());
        }
        self.joined.end(0);
        self.judge()?;
        Ok(self.parts.drain(..).map(|waiting| waiting.part).collect())
    }

    fn judge(&mut self) -> Result<(), Refusal> {
        let Some(guard) = &self.watch.guard else { return Ok(()) };
        let (known, mut found) = (&self.watch.known, Found::default());
        guard.tokens(&self.joined, known, &mut found);
        guard.tokens(&self.lined, known, &mut found);
        guard.hidden(&self.text, known, &mut found);
        guard.short_secrets(&self.text, &mut found);
        match self.watch.judge(&found, Place::Part) {
            Verdict::Pass => self.keep_end(),
            Verdict::Withhold(leak) => return Err(Refusal::Withheld(leak)),
            Verdict::Redact => self.redact(),
        }
        self.watch.said().parts = self.lined.clone();
        Ok(())
    }

    fn keep_end(&mut self) {
        self.joined.keep_end();
        self.lined.keep_end();
        let start = self.text.ceil_char_boundary(self.text.len().saturating_sub(TAIL));
        self.text.drain(..start);
        self.unjudged = 0;
    }

    /// All that waits is one part now, with nothing in it: a run may be spread over any of them.
    fn redact(&mut self) {
        (self.joined, self.lined, self.text, self.unjudged) = Default::default();
        let (weight, letters) = (self.weight, self.letters);
        self.parts = VecDeque::from([Waiting { part: WITHHELD.to_owned(), weight, letters }]);
    }

    fn release(&mut self) -> Vec<String> {
        let (weight, letters) = (self.weight, self.letters);
        let sure = |waiting: &Waiting| {
            weight - waiting.weight >= FOLLOWING_WORDS && letters - waiting.letters >= FOLLOWING_LETTERS
        };
        let count = self.parts.iter().take_while(|waiting| sure(waiting)).count();
        self.parts.drain(..count).map(|waiting| waiting.part).collect()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

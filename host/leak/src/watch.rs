//! The leak watch of one call. Everything that the call tells its caller passes through it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::guard::{Found, Guard};
use crate::known::Known;
use crate::tokens::Tokens;
use crate::{Leak, LeakMode, WITHHELD};

/// The limits of one caller on one component's output.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Private words in short runs that may leave in all calls together.
    pub words: u64,
    /// Bytes of results and parts that may leave on one day.
    pub day_bytes: u64,
}

/// The caller has received as many bytes as it may on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverDay {
    pub max: u64,
}

/// The guard of one call, with the account of earlier disclosures to its caller.
pub struct Watch {
    /// `None` if the component has nothing private. Bytes are counted all the same.
    pub(crate) guard: Option<Guard>,
    mode: LeakMode,
    budget: Budget,
    /// Days since the Unix epoch, UTC.
    day: i64,
    account: Account,
    pub(crate) known: Known,
    said: Mutex<Said>,
}

/// Everything that the call has told so far.
#[derive(Default)]
pub(crate) struct Said {
    /// The end of its parts, to find runs that continue.
    pub(crate) parts: Tokens,
    /// The end of its notes.
    notes: Tokens,
    sightings: Vec<Sighting>,
}

/// A finding in a call, for the owner. It never contains the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub place: Place,
    pub leak: Leak,
    pub action: LeakMode,
}

/// The kind of output that contained a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Result,
    Part,
    Note,
    Error,
}

pub(crate) enum Verdict {
    Pass,
    Redact,
    Withhold(Leak),
}

impl Watch {
    /// `input` is the caller's own JSON text, which it may receive back. `day` counts from the Unix epoch, in UTC.
    pub fn new(
        guard: Guard,
        mode: LeakMode,
        budget: Budget,
        account: Account,
        day: i64,
        input: &str,
    ) -> Self {
        let guard = Some(guard).filter(|guard| !guard.is_empty());
        let input = guard.as_ref().map(|_| input.to_owned()).unwrap_or_default();
        Self { guard, mode, budget, day, account, known: Known::new(input), said: Mutex::default() }
    }

    /// The findings in the call so far.
    pub fn sightings(&self) -> Vec<Sighting> {
        self.said().sightings.clone()
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Counts bytes that are about to leave against the budget of the day.
    pub fn take(&self, bytes: usize) -> Result<(), OverDay> {
        let max = self.budget.day_bytes;
        self.account.lock().take(bytes, self.day, max).map_err(|_| OverDay { max })
    }

    /// Checks a result. Returns the redacted result if private text was taken out, `None` if it may leave as it is.
    pub fn result(&self, json: &str, value: &Value) -> Result<Option<Value>, Leak> {
        let Some(guard) = &self.guard else { return Ok(None) };
        let before = self.said().parts.clone();
        let found = guard.search(json, true, &before, &self.known);
        match self.judge(&found, Place::Result) {
            Verdict::Pass => Ok(None),
            Verdict::Withhold(leak) => Err(leak),
            Verdict::Redact => {
                let mut value = value.clone();
                self.redact(guard, &mut value);
                // Runs over several strings or keys are still there, and findings that no single string contains.
                let found = guard.search(&value.to_string(), true, &before, &self.known);
                match self.judge(&found, Place::Result) {
                    Verdict::Pass => Ok(Some(value)),
                    Verdict::Redact => Err(found.leak(self.budget.words)),
                    Verdict::Withhold(leak) => Err(leak),
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
        let found = guard.search(&without, false, &Tokens::default(), &self.known);
        if found.is_leak() { WITHHELD.to_owned() } else { without }
    }

    /// Checks the text of an error. It leaves unchanged or not at all.
    pub fn error(&self, text: &str) -> Result<(), Leak> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let before = self.said().parts.clone();
        let found = guard.search(text, false, &before, &self.known);
        match self.judge(&found, Place::Error) {
            Verdict::Pass => Ok(()),
            Verdict::Redact => Err(found.leak(self.budget.words)),
            Verdict::Withhold(leak) => Err(leak),
        }
    }

    /// Checks a progress note as the continuation of the notes before it, and returns whether its words may leave.
    ///
    /// A note does not wait for the next one, so even a short run of private words is too much.
    pub fn note(&self, text: &str) -> bool {
        let Some(guard) = &self.guard else { return true };
        let mut said = self.said();
        let before = said.notes.clone();
        let found = guard.search(text, false, &before, &self.known);
        let clean = !found.is_anything();
        if !clean {
            let leak = found.leak(self.budget.words);
            said.sight(Sighting { place: Place::Note, leak, action: self.mode });
        }
        let passes = clean || self.mode == LeakMode::Report && !found.canary && !found.secret;
        if passes {
            said.notes.feed(text);
            said.notes.end(text.len());
            said.notes.keep_end();
        }
        passes
    }

    pub(crate) fn judge(&self, found: &Found, place: Place) -> Verdict {
        let leaked = found.canary || found.secret || found.is_leak();
        let max = if self.mode == LeakMode::Report { u64::MAX } else { self.budget.words };
        // Withheld text does not leave, so it does not count.
        let within_budget = if leaked && self.mode != LeakMode::Report {
            true
        } else {
            self.account.lock().reveal(&found.runs, max).is_ok()
        };
        if !leaked && within_budget {
            return Verdict::Pass;
        }
        let leak = found.leak(self.budget.words);
        self.said().sight(Sighting { place, leak, action: self.mode });
        match self.mode {
            _ if found.canary || found.secret => Verdict::Withhold(leak),
            LeakMode::Block => Verdict::Withhold(leak),
            LeakMode::Redact => Verdict::Redact,
            LeakMode::Report => Verdict::Pass,
        }
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    /// Most sightings kept of one call.
    const SIGHTINGS: usize = 16;

    fn sight(&mut self, sighting: Sighting) {
        if self.sightings.len() < Self::SIGHTINGS && !self.sightings.contains(&sighting) {
            self.sightings.push(sighting);
        }
    }
}

impl Found {
    /// The gravest of the findings.
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

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

//! Masks contact data and secrets: e-mail addresses, phone numbers, IBANs, keys.
//! Sends and keeps nothing, and never repeats a masked value in the answer.

mod email;
mod iban;
mod key;
mod phone;
mod span;

use std::collections::BTreeMap;

use coworker_skill::SkillError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::span::Span;

coworker_skill::skills! {
    /// Masks e-mail addresses, phone numbers, IBANs and keys (API keys, tokens, private keys) in a text and
    /// counts what it masked.
    ///
    /// Recognises values by their form alone, so it can miss unusual spellings. When in doubt it masks.
    redact {
        category: "privacy",
        when_to_use: "A text is to be shown to somebody who should not see contact data or secrets.",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The text.
    pub text: String,
    /// The kinds to mask; all kinds by default.
    #[serde(default = "everything")]
    #[schemars(length(min = 1))]
    pub kinds: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// International bank account numbers with correct check digits.
    Iban,
    /// API keys, tokens, private keys, and long random text that looks like one.
    Key,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Redacted {
    /// The text with each finding replaced by its kind in brackets, such as `[email]`.
    pub text: String,
    /// The masked values, counted by kind and form.
    pub masked: Vec<Masked>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Masked {
    pub kind: Kind,
    /// The recognised form, such as `AWS access key`.
    pub what: String,
    /// The number of masked values.
    pub count: u32,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Email, Self::Phone, Self::Iban, Self::Key];

    fn mask(self) -> &'static str {
        match self {
            Self::Email => "[email]",
            Self::Phone => "[phone]",
            Self::Iban => "[iban]",
            Self::Key => "[key]",
        }
    }

    fn find(self, text: &str) -> Vec<Span> {
        match self {
            Self::Email => email::find(text),
            Self::Phone => phone::find(text),
            Self::Iban => iban::find(text),
            Self::Key => key::find(text),
        }
    }
}

fn everything() -> Vec<Kind> {
    Kind::ALL.to_vec()
}

/// Runs the skill.
pub fn redact(Ask { text, kinds }: Ask) -> Result<Redacted, SkillError> {
    if kinds.is_empty() {
        return Err(SkillError::InvalidInput("`kinds` must name at least one kind".to_owned()));
    }
    let wanted = Kind::ALL.into_iter().filter(|kind| kinds.contains(kind));
    let spans = span::merge(wanted.flat_map(|kind| kind.find(&text)).collect());
    Ok(Redacted { text: mask(&text, &spans), masked: tally(&spans) })
}

fn mask(text: &str, spans: &[Span]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        masked.push_str(&text[from..span.start]);
        masked.push_str(span.kind.mask());
        from = span.end;
    }
    masked.push_str(&text[from..]);
    masked
}

fn tally(spans: &[Span]) -> Vec<Masked> {
    let mut counts = BTreeMap::new();
    for span in spans {
        *counts.entry((span.kind, span.what)).or_insert(0) += 1;
    }
    counts.into_iter().map(|((kind, what), count)| Masked { kind, what: what.to_owned(), count }).collect()
}

#[cfg(test)]
mod tests;

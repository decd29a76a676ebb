//! Masks what identifies people or opens doors: e-mail addresses, phone numbers, IBANs, keys.
//! Nothing is sent or kept, and nothing masked is repeated in the answer.

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
    /// Goes by form alone, so it can miss what is written in unusual ways; where in doubt it masks.
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
    /// What to mask; everything when left out.
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
    /// International bank account numbers; only those whose check digits are right.
    Iban,
    /// API keys, tokens, private keys, and long random text that looks like one.
    Key,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Redacted {
    /// The text with each finding replaced by its kind in brackets, such as `[email]`.
    pub text: String,
    /// What was masked, by kind and form; empty when nothing was found.
    pub masked: Vec<Masked>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Masked {
    pub kind: Kind,
    /// The form that was recognised, such as `AWS access key`.
    pub what: String,
    /// How often.
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

/// The skill itself.
pub fn redact(Ask { text, kinds }: Ask) -> Result<Redacted, SkillError> {
    if kinds.is_empty() {
        return Err(SkillError::InvalidInput("`kinds` names nothing to mask".to_owned()));
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

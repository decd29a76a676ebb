//! Shortens a text to its most telling sentences by counting words, without a model or a network.

mod rank;
mod sentence;
mod word;

use coworker_skill::{SkillError, call};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sentence::Sentence;

coworker_skill::skills! {
    /// Shortens a text to its most telling sentences, word for word and in their order.
    ///
    /// Extractive: it selects, it does not rephrase and it does not translate. Works for any language that ends
    /// sentences with punctuation, best for English, German, French and Spanish.
    summarize {
        category: "text",
        when_to_use: "A text is too long to read and its own words will do.",
    }
}

/// The most sentences of a summary.
const MOST: u32 = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The plain text.
    #[schemars(length(min = 1))]
    pub text: String,
    /// The most sentences of the summary.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub sentences: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// The chosen sentences. Sentences from different paragraphs are on separate lines.
    pub summary: String,
    /// The number of sentences in the summary.
    pub sentences: u32,
    /// The number of sentences in the text.
    pub sentences_in_text: u32,
    /// The length of the summary divided by the length of the text, in characters; 1 if nothing was left out.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub ratio: f64,
    /// False if the text was already short enough and is returned unchanged.
    pub shortened: bool,
}

fn three() -> u32 {
    3
}

/// Runs the skill.
pub fn summarize(Ask { text, sentences: wanted }: Ask) -> Result<Summary, SkillError> {
    if !(1..=MOST).contains(&wanted) {
        return Err(SkillError::InvalidInput(format!("`sentences` must be from 1 to {MOST}")));
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(SkillError::InvalidInput("`text` has no words".to_owned()));
    }
    let sentences = sentence::split(&text);
    if sentences.len() <= wanted as usize {
        return Ok(unchanged(&text, sentences.len()));
    }
    call::progress(30, "sentences found");
    let words = word::count(&sentences);
    if call::is_cancelled() {
        return Err(SkillError::Cancelled);
    }
    call::progress(70, "words weighed");
    let chosen = rank::choose(&sentences, &words, wanted as usize);
    Ok(shortened(&text, &sentences, &chosen))
}

fn unchanged(text: &str, sentences: usize) -> Summary {
    let count = whole(sentences);
    Summary {
        summary: text.trim().to_owned(),
        sentences: count,
        sentences_in_text: count,
        ratio: 1.0,
        shortened: false,
    }
}

fn shortened(text: &str, sentences: &[Sentence<'_>], chosen: &[usize]) -> Summary {
    let mut summary = String::new();
    let mut paragraph = None;
    for sentence in chosen.iter().map(|at| &sentences[*at]) {
        match paragraph {
            None => {}
            Some(before) if before == sentence.paragraph => summary.push(' '),
            Some(_) => summary.push('\n'),
        }
        paragraph = Some(sentence.paragraph);
        summary.extend(sentence.text.split_whitespace().flat_map(|word| [word, " "]));
        summary.pop();
    }
    Summary {
        ratio: ratio(summary.chars().count(), text.trim().chars().count()),
        summary,
        sentences: whole(chosen.len()),
        sentences_in_text: whole(sentences.len()),
        shortened: true,
    }
}

/// Divides, rounded to three digits.
fn ratio(part: usize, all: usize) -> f64 {
    (f64::from(whole(part)) / f64::from(whole(all)) * 1000.0).round() / 1000.0
}

fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

//! The goal as the planner reads it: its words, the agents it names, the languages, and what it quotes.

use std::ops::Range;

use serde_json::Value;

use super::lexicon::{APART, INTO, OUT_OF, means};
use super::word::{Key, Word, folded, words};
use crate::agent::Agent;
use crate::goal::Goal;
use crate::shown::Shown;

pub(super) struct GoalWords<'g> {
    pub(super) goal: &'g Goal,
    /// Without those of what is quoted.
    pub(super) words: Vec<Word>,
    /// Agents that are named, with the part of the goal they are named in.
    pub(super) named: Vec<(Agent, usize)>,
    pub(super) languages: Vec<Language>,
    /// A text that the goal brings with it.
    pub(super) quoted: Option<&'g str>,
    /// Steps are not to work on what others made.
    pub(super) apart: bool,
}

/// A language that the goal names.
pub(super) struct Language {
    pub(super) code: &'static str,
    pub(super) at: usize,
    /// A text is to be in it, not is in it.
    pub(super) target: bool,
}

impl<'g> GoalWords<'g> {
    pub(super) fn read(goal: &'g Goal, shown: &Shown) -> Self {
        let text = goal.text.as_str();
        let quote = if goal.input.is_null() { quote(text) } else { None };
        let mut all = words(text);
        all.retain(|word| quote.as_ref().is_none_or(|quote| !quote.contains(&word.at)));
        let named = names(&mut all, shown);
        Self {
            goal,
            languages: languages(&all),
            apart: all.iter().any(|word| means(APART, &word.text)),
            words: all,
            named,
            quoted: quote.map(|quote| text[quote].trim()),
        }
    }

    /// The words of the part that stands at `at`, from there on: what a question is about.
    pub(super) fn about(&self, at: usize) -> &'g str {
        let text = self.goal.text.as_str();
        let clause = self.words.iter().find(|word| word.at == at).map(|word| word.clause);
        let within: Vec<_> = self.words.iter().filter(|word| Some(word.clause) == clause).collect();
        let after: Vec<_> = within.iter().filter(|word| word.at > at).collect();
        match (after.first(), after.last()) {
            (Some(first), Some(last)) if after.iter().any(|word| word.key.is_some()) => {
                &text[first.at..last.end]
            }
            _ => text,
        }
    }

    /// The number that stands beside a word for `name`.
    pub(super) fn number(&self, name: &[Key]) -> Option<Value> {
        let digits = |word: &Word| word.text.parse::<u32>().ok();
        let is_name = |word: &Word| word.key.as_ref().is_some_and(|key| name.contains(key));
        self.words
            .windows(2)
            .find_map(|pair| match pair {
                [number, word] if is_name(word) && digits(number).is_some() => digits(number),
                [word, number] if is_name(word) && digits(number).is_some() => digits(number),
                _ => None,
            })
            .map(Value::from)
    }
}

/// The part of a text that is in quotation marks, or after a colon.
fn quote(text: &str) -> Option<Range<usize>> {
    const MARKS: [(char, char); 7] =
        [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('`', '`'), ('『', '』')];
    let quoted = MARKS.iter().filter_map(|(open, close)| {
        let from = text.find(*open)? + open.len_utf8();
        let length = text[from..].find(*close)?;
        (!text[from..from + length].trim().is_empty()).then_some(from..from + length)
    });
    let colon = || {
        let (at, colon) = text
            .char_indices()
            .find(|(at, c)| *c == '：' || *c == ':' && text[at + 1..].starts_with(char::is_whitespace))?;
        let from = at + colon.len_utf8();
        // What stands before says what to do with it.
        let before = words(&text[..at]).iter().any(|word| matches!(word.key, Some(Key::Concept(_))));
        (before && !text[from..].trim().is_empty()).then_some(from..text.len())
    };
    quoted.min_by_key(|range| range.start).or_else(colon)
}

/// The agents that are named; their names are no words of the goal any more.
fn names(all: &mut Vec<Word>, shown: &Shown) -> Vec<(Agent, usize)> {
    let mut named = Vec::new();
    for showing in shown.iter().filter(|showing| showing.agent != Agent::Me) {
        let name: Vec<_> = words(showing.name.as_str()).into_iter().map(|word| word.text).collect();
        if name.is_empty() {
            continue;
        }
        let ends = showing.name.as_str().ends_with(char::is_alphanumeric);
        let is_name = |found: &[Word]| found.iter().map(|word| &word.text).eq(&name);
        while let Some(at) = all.windows(name.len()).position(is_name) {
            // `Bob B.` does not end a part of the goal.
            let next = at + if ends { name.len() - 1 } else { name.len() };
            named.push((showing.agent, all.get(next).unwrap_or(&all[at]).clause));
            all.drain(at..at + name.len());
        }
    }
    let own = ["myself", "locally", "lokal", "selbst"].map(folded);
    named.extend(all.iter().filter(|word| own.contains(&word.text)).map(|word| (Agent::Me, word.clause)));
    named
}

fn languages(all: &[Word]) -> Vec<Language> {
    let mut found: Vec<(Language, bool)> = Vec::new();
    let mut before = None;
    for (i, word) in all.iter().enumerate() {
        let Some(Key::Language(code)) = word.key else { continue };
        let previous = i.checked_sub(1).and_then(|i| all.get(i)).map_or("", |word| word.text.as_str());
        // `into German and French`: the second is what the first is.
        let listed = before.is_some_and(|(at, _)| i - at <= 2);
        let role = if means(INTO, previous) {
            Some(true)
        } else if means(OUT_OF, previous) {
            Some(false)
        } else {
            before.filter(|_| listed).and_then(|(_, role)| role)
        };
        before = Some((i, role));
        found.push((Language { code, at: word.at, target: role != Some(false) }, role == Some(true)));
    }
    // `the German letter into French`: where one is said to be wanted, others are not.
    let wanted = found.iter().any(|(_, wanted)| *wanted);
    found
        .into_iter()
        .map(|(language, is)| Language { target: language.target && (is || !wanted), ..language })
        .collect()
}

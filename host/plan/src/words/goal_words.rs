//! Reads a goal: its words, the agents and languages that it names, and the text that it quotes.

use std::ops::Range;

use serde_json::Value;

use super::lexicon::{APART, INTO, OUT_OF, means};
use super::word::{Key, Word, folded, words};
use crate::agent::Agent;
use crate::goal::Goal;
use crate::visible::VisibleSkills;

pub(super) struct GoalWords<'g> {
    pub(super) goal: &'g Goal,
    /// The words outside of the quotation.
    pub(super) words: Vec<Word>,
    /// The named agents, each with the clause that names it.
    pub(super) named: Vec<(Agent, usize)>,
    pub(super) languages: Vec<Language>,
    /// The text in quotation marks or after a colon.
    pub(super) quoted: Option<&'g str>,
    /// Each step works on the goal's own input, not on the output of another step.
    pub(super) apart: bool,
}

/// A language that the goal names.
pub(super) struct Language {
    pub(super) code: &'static str,
    pub(super) at: usize,
    /// The output is wanted in it; otherwise the input is in it.
    pub(super) target: bool,
}

impl<'g> GoalWords<'g> {
    pub(super) fn read(goal: &'g Goal, visible: &VisibleSkills) -> Self {
        let text = goal.text.as_str();
        let quote = if goal.input.is_null() { quote(text) } else { None };
        let mut all = words(text);
        all.retain(|word| quote.as_ref().is_none_or(|quote| !quote.contains(&word.at)));
        let named = names(&mut all, visible);
        Self {
            goal,
            languages: languages(&all),
            apart: all.iter().any(|word| means(APART, &word.text)),
            words: all,
            named,
            quoted: quote.map(|quote| text[quote].trim()),
        }
    }

    /// Returns the rest of the clause after the word at `at`: the topic of a question.
    pub(super) fn topic(&self, at: usize) -> &'g str {
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

    /// Returns the number beside a word for `name`.
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

/// Finds the part of a text in quotation marks or after a colon.
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
        // The text before the colon must name work to do.
        let before = words(&text[..at]).iter().any(|word| matches!(word.key, Some(Key::Concept(_))));
        (before && !text[from..].trim().is_empty()).then_some(from..text.len())
    };
    quoted.min_by_key(|range| range.start).or_else(colon)
}

/// Finds the named agents and removes their names from the words of the goal.
fn names(all: &mut Vec<Word>, visible: &VisibleSkills) -> Vec<(Agent, usize)> {
    let mut named = Vec::new();
    for entry in visible.iter().filter(|entry| entry.agent != Agent::Me) {
        let name: Vec<_> = words(entry.name.as_str()).into_iter().map(|word| word.text).collect();
        if name.is_empty() {
            continue;
        }
        let ends = entry.name.as_str().ends_with(char::is_alphanumeric);
        let is_name = |found: &[Word]| found.iter().map(|word| &word.text).eq(&name);
        while let Some(at) = all.windows(name.len()).position(is_name) {
            // The full stop of `Bob B.` does not end a clause.
            let next = at + if ends { name.len() - 1 } else { name.len() };
            named.push((entry.agent, all.get(next).unwrap_or(&all[at]).clause));
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
        // `into German and French`: the second language has the role of the first.
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
    // `the German letter into French`: if one language is explicitly a target, unmarked ones are not.
    let wanted = found.iter().any(|(_, wanted)| *wanted);
    found
        .into_iter()
        .map(|(language, is)| Language { target: language.target && (is || !wanted), ..language })
        .collect()
}

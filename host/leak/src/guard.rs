//! Finds private text, secrets and canaries in one text.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::WITHHELD;
use crate::index::{GRAM, LETTERS, NEEDLE, Shingles, Sieve, grams, letter_grams};
use crate::known::Known;
use crate::private::Private;
use crate::tokens::{Tokens, WORD, Word};
use crate::views::{self, Pieces};

/// Weight from which on a run of private words is a leak.
const LONG: usize = 8 * WORD as usize;
/// Weight from which on a run counts against the budget.
const SHORT: usize = 5 * WORD as usize;
/// Different words that a run must contain. A run of one or two repeated numbers is in many texts.
const DIFFERENT: usize = 3;
/// Shingles of a long run that are neither public nor the caller's own.
const CLOSED: usize = 2;
/// Shortest secret that is looked for, in bytes. A shorter one would be found everywhere.
const SECRET: usize = 6;

/// Texts that must never leave, in any mode: the component's secrets, and the canaries in its texts.
#[derive(Default)]
struct Needles {
    any: Sieve,
    secrets: Shingles,
    /// Secrets with too few letters and digits for a shingle, looked for literally.
    short: Vec<String>,
}

/// The private text, secrets and canaries that a component's answers are compared with. A guard over nothing is the
/// proof that the component has nothing private.
///
/// ```compile_fail,E0451
/// use std::sync::Arc;
/// use coworker_leak::{Guard, Private};
///
/// fn without_its_needles(private: Arc<Private>) -> Guard {
///     Guard { private, needles: Arc::default() }
/// }
/// ```
#[derive(Clone)]
pub struct Guard {
    private: Arc<Private>,
    needles: Arc<Needles>,
}

/// The findings in one text.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Words in long runs.
    pub(crate) words: usize,
    /// Private shingles of letters.
    pub(crate) letters: usize,
    pub(crate) canary: bool,
    pub(crate) secret: bool,
    pub(crate) runs: Vec<Run>,
}

/// Private words in a row.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Their positions among the words of the text.
    words: Range<usize>,
    weight: usize,
    /// The private shingles, each with the weight of its last word.
    pub(crate) closed: Vec<(u64, u8)>,
    long: bool,
}

impl Needles {
    fn new<'a>(
        key: u64,
        secrets: impl IntoIterator<Item = &'a str>,
        canaries: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut needles = Self::default();
        let needle = |text: &str, into: &mut Shingles| {
            let tokens = Tokens::of(text);
            into.extend(letter_grams(key, tokens.letters.iter().copied(), NEEDLE));
            tokens.letters.len() >= NEEDLE
        };
        for secret in secrets {
            if !needle(secret, &mut needles.secrets) && secret.len() >= SECRET {
                needles.short.push(secret.to_owned());
            }
        }
        let mut any = needles.secrets.clone();
        for canary in canaries {
            needle(canary, &mut any);
        }
        Self { any: Sieve::new(any), ..needles }
    }

    fn is_empty(&self) -> bool {
        self.any.is_empty() && self.short.is_empty()
    }
}

impl Guard {
    /// Any 12 letters or digits in a row of a secret or a canary count as all of it. A secret with fewer is looked
    /// for literally; one shorter than 6 bytes is not looked for.
    pub fn new<'a>(
        private: Arc<Private>,
        secrets: impl IntoIterator<Item = &'a str>,
        canaries: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let needles = Arc::new(Needles::new(private.key, secrets, canaries));
        Self { private, needles }
    }

    /// Whether the component has no private text, no secret and no canary.
    pub fn is_empty(&self) -> bool {
        self.private.is_empty() && self.needles.is_empty()
    }

    /// Searches a whole text as the continuation of `before`. `json` tells how to read it.
    pub(crate) fn search(&self, text: &str, json: bool, before: &Tokens, known: &Known) -> Found {
        let mut found = Found::default();
        let pieces = if json { Pieces::json(text) } else { Pieces::plain(text) };
        self.search_pieces(&pieces, before, known, &mut found);
        self.search_short_secrets(&pieces.text, &mut found);
        self.search_hidden(&pieces.text, known, &mut found);
        found
    }

    /// Searches all pieces in their order, then the values without the keys and the keys without the values.
    fn search_pieces(&self, pieces: &Pieces, before: &Tokens, known: &Known, found: &mut Found) {
        let (mut all, mut start) = (before.clone(), 0);
        let [mut values, mut keys] = [before.clone(), before.clone()];
        for (end, is_key) in &pieces.ends {
            let (words, letters) = (all.words.len(), all.letters.len());
            all.feed(&pieces.text[start..*end]);
            all.end(*end - start);
            start = *end;
            let apart = if *is_key { &mut keys } else { &mut values };
            apart.append(&all.words[words..], &all.letters[letters..]);
        }
        self.search_tokens(&all, known, found);
        if pieces.ends.iter().any(|(_, is_key)| *is_key) {
            self.search_tokens(&values, known, found);
            self.search_tokens(&keys, known, found);
        }
    }

    fn search_view(&self, text: &str, known: &Known, found: &mut Found) {
        self.search_tokens(&Tokens::of(text), known, found);
        self.search_short_secrets(text, found);
    }

    /// Searches words and letters, and the letters backwards and in ROT13.
    pub(crate) fn search_tokens(&self, tokens: &Tokens, known: &Known, found: &mut Found) {
        self.search_words(&tokens.words, known, found);
        let letters = || tokens.letters.iter().copied();
        self.search_letters(letters(), known, found);
        self.search_letters(letters().rev(), known, found);
        self.search_letters(letters().map(rot13), known, found);
    }

    /// Searches the text behind escapes and encodings.
    pub(crate) fn search_hidden(&self, text: &str, known: &Known, found: &mut Found) {
        for level in views::unescaped(text) {
            self.search_view(&level, known, found);
        }
        let decoded = views::decoded(text);
        if !decoded.is_empty() {
            self.search_view(&decoded, known, found);
        }
    }

    pub(crate) fn search_short_secrets(&self, text: &str, found: &mut Found) {
        found.secret |= self.needles.short.iter().any(|secret| text.contains(secret.as_str()));
    }

    fn search_words(&self, words: &[Word], known: &Known, found: &mut Found) {
        for run in self.runs(words, known) {
            if run.long {
                found.words += run.weight.div_ceil(WORD.into());
            }
            found.runs.push(run);
        }
    }

    fn search_letters(&self, letters: impl Iterator<Item = u32> + Clone, known: &Known, found: &mut Found) {
        let Private { key, letters: private, .. } = &*self.private;
        if !private.is_empty() {
            let all = letter_grams(*key, letters.clone(), LETTERS);
            let private = all.filter(|shingle| private.contains(*shingle));
            let closed = private.filter(|shingle| !known.index(*key).letters.contains(shingle));
            found.letters += closed.count();
        }
        let Needles { any, secrets, .. } = &*self.needles;
        if !any.is_empty() {
            letter_grams(*key, letters, NEEDLE).filter(|shingle| any.contains(*shingle)).for_each(
                |shingle| {
                    let is_secret = secrets.contains(&shingle);
                    found.secret |= is_secret;
                    found.canary |= !is_secret;
                },
            );
        }
    }

    /// Runs of words in which every five in a row are private text, short runs included.
    fn runs(&self, words: &[Word], known: &Known) -> Vec<Run> {
        let Private { key, words: private, open, .. } = &*self.private;
        let mut runs: Vec<Run> = Vec::new();
        if private.is_empty() {
            return runs;
        }
        for (at, shingle) in grams(*key, words).enumerate().filter(|(_, shingle)| private.contains(*shingle))
        {
            let end = at + GRAM;
            if runs.last().is_none_or(|run| run.words.end + 1 != end) {
                runs.push(Run { words: at..end, weight: 0, closed: Vec::new(), long: false });
            }
            let Some(run) = runs.last_mut() else { continue };
            run.words.end = end;
            if !open.contains(&shingle) && !known.index(*key).words.contains(&shingle) {
                run.closed.push((shingle, words[end - 1].weight));
            }
        }
        for run in &mut runs {
            run.judge(words);
        }
        runs.retain(|run| run.weight >= SHORT && !run.closed.is_empty());
        runs
    }

    /// Replaces the long runs in a text. `None` if it has none.
    pub(crate) fn without_runs(&self, text: &str, known: &Known) -> Option<String> {
        let tokens = Tokens::of(text);
        let mut out = String::new();
        let mut kept = 0;
        for run in self.runs(&tokens.words, known).iter().filter(|run| run.long) {
            let (first, last) = (&tokens.words[run.words.start], &tokens.words[run.words.end - 1]);
            out.push_str(&text[kept..first.at.start]);
            out.push_str(WITHHELD);
            kept = last.at.end;
        }
        out.push_str(&text[kept..]);
        (kept > 0).then_some(out)
    }
}

impl Run {
    fn judge(&mut self, words: &[Word]) {
        let own = &words[self.words.clone()];
        self.weight = own.iter().map(|word| usize::from(word.weight)).sum();
        let different: BTreeSet<u64> = own.iter().map(|word| word.hash).take(64).collect();
        if different.len() < DIFFERENT {
            self.closed.clear();
        }
        self.long = self.weight >= LONG && self.closed.len() >= CLOSED;
    }
}

impl Found {
    pub(crate) fn is_leak(&self) -> bool {
        self.words > 0 || self.letters > 0
    }
}

/// Applied to letters that are folded already.
fn rot13(c: u32) -> u32 {
    match c {
        0x61..=0x6d => c + 13,
        0x6e..=0x7a => c - 13,
        other => other,
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

//! What is private, and finding it in a text.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::index::{GRAM, Index, NEEDLE, Shingles, Sieve, grams, letter_grams};
use super::tokens::{Tokens, WORD, Word};
use super::views::{self, Pieces};

/// Words in a row that are a leak, and from how many on they count against the budget.
const LONG: usize = 8 * WORD as usize;
const SHORT: usize = 5 * WORD as usize;
/// Different words that a run must have: a row of one number, or of two, is nobody's.
const DIFFERENT: usize = 3;
/// Shingles of a long run that are neither public nor the caller's own.
const CLOSED: usize = 2;
/// Letters or digits of a secret below which it is looked for as it stands, and bytes below which it would
/// be found anywhere.
const SECRET: usize = 6;

/// The private texts of one component, as shingles of their words and letters. The texts themselves are not
/// kept.
pub struct Private {
    key: u64,
    words: Sieve,
    letters: Sieve,
    /// Shingles of words that are public as well.
    open: Shingles,
}

/// What must never leave, in any mode: the component's secrets, and the canaries in its texts.
#[derive(Default)]
struct Needles {
    any: Sieve,
    secrets: Shingles,
    /// Secrets of too few letters.
    short: Vec<String>,
}

/// What one component's answers are compared with.
#[derive(Clone)]
pub struct Guard {
    private: Arc<Private>,
    needles: Arc<Needles>,
}

/// The caller's own words, which it may have back. They are looked at when something was found, not before.
#[derive(Default)]
pub(super) struct Known {
    input: String,
    index: OnceLock<Index>,
}

/// What was found in one text.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Words in long runs.
    pub(super) words: usize,
    /// Shingles of letters, where words did not show it.
    pub(super) letters: usize,
    pub(super) canary: bool,
    pub(super) secret: bool,
    pub(super) runs: Vec<Run>,
}

/// Private words in a row.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// By their places among the words.
    words: Range<usize>,
    weight: usize,
    /// The shingles that are private, each with the weight of its last word.
    pub(super) closed: Vec<(u64, u8)>,
    long: bool,
}

impl Private {
    /// Most bytes of text that are compared; what comes behind is not.
    pub const MAX: usize = 4 * 1024 * 1024;

    /// What of the `texts` is not in `public`, which are JSON texts. The key makes the shingles worthless to who has none; with
    /// another key nothing that was drawn before is known any more.
    pub fn of<'a>(key: u64, texts: impl IntoIterator<Item = &'a str>, public: &[String]) -> Self {
        let mut index = Index::default();
        let mut left = Self::MAX;
        for text in texts {
            let text = &text[..text.floor_char_boundary(left)];
            left -= text.len();
            index.sampled(key, &Tokens::of(text));
            // As a model reads it that undoes escapes.
            if text.contains('\\') {
                index.sampled(key, &Tokens::of(&views::json(text)));
            }
        }
        let mut open = Index::default();
        for text in public {
            open.whole(key, &Tokens::of(&views::json(text)));
        }
        let Index { words, mut letters } = index;
        letters.retain(|shingle| !open.letters.contains(shingle));
        let open = open.words.intersection(&words).copied().collect();
        Self { key, words: Sieve::new(words), letters: Sieve::new(letters), open }
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.letters.is_empty()
    }
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

    fn are_none(&self) -> bool {
        self.any.is_empty() && self.short.is_empty()
    }
}

impl Guard {
    /// `None` if there is nothing to look for: then nothing is looked at.
    ///
    /// Any 12 letters or digits in a row of a secret or a canary are as good as all of it. A secret with fewer
    /// is looked for as it stands, one of less than 6 bytes is not.
    pub fn new<'a>(
        private: Arc<Private>,
        secrets: impl IntoIterator<Item = &'a str>,
        canaries: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let needles = Needles::new(private.key, secrets, canaries);
        let nothing = private.is_empty() && needles.are_none();
        (!nothing).then(|| Self { private, needles: Arc::new(needles) })
    }

    /// A whole text, behind what was said before it. `json` says how to read it.
    pub(super) fn look(&self, text: &str, json: bool, before: &Tokens, known: &Known) -> Found {
        let mut found = Found::default();
        let pieces = if json { Pieces::json(text) } else { Pieces::plain(text) };
        self.pieces(&pieces, before, known, &mut found);
        self.short_secrets(&pieces.text, &mut found);
        self.hidden(&pieces.text, known, &mut found);
        found
    }

    /// All of them in their order, then the values without the keys and the keys without the values.
    fn pieces(&self, pieces: &Pieces, before: &Tokens, known: &Known, found: &mut Found) {
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
        self.tokens(&all, known, found);
        if pieces.ends.iter().any(|(_, is_key)| *is_key) {
            self.tokens(&values, known, found);
            self.tokens(&keys, known, found);
        }
    }

    fn view(&self, text: &str, known: &Known, found: &mut Found) {
        self.tokens(&Tokens::of(text), known, found);
        self.short_secrets(text, found);
    }

    /// Words and letters, and the letters backwards and in ROT13.
    pub(super) fn tokens(&self, tokens: &Tokens, known: &Known, found: &mut Found) {
        self.words(&tokens.words, known, found);
        let letters = || tokens.letters.iter().copied();
        self.letters(letters(), known, found);
        self.letters(letters().rev(), known, found);
        self.letters(letters().map(rot13), known, found);
    }

    /// What escapes and encodings hide.
    pub(super) fn hidden(&self, text: &str, known: &Known, found: &mut Found) {
        for level in views::unescaped(text) {
            self.view(&level, known, found);
        }
        let decoded = views::decoded(text);
        if !decoded.is_empty() {
            self.view(&decoded, known, found);
        }
    }

    /// Those that have too few letters to be known by them.
    pub(super) fn short_secrets(&self, text: &str, found: &mut Found) {
        found.secret |= self.needles.short.iter().any(|secret| text.contains(secret.as_str()));
    }

    fn words(&self, words: &[Word], known: &Known, found: &mut Found) {
        for run in self.runs(words, known) {
            if run.long {
                found.words += run.weight.div_ceil(WORD.into());
            }
            found.runs.push(run);
        }
    }

    fn letters(&self, letters: impl Iterator<Item = u32> + Clone, known: &Known, found: &mut Found) {
        let Private { key, letters: private, .. } = &*self.private;
        if !private.is_empty() {
            let all = letter_grams(*key, letters.clone(), super::index::LETTERS);
            let private = all.filter(|shingle| private.contains(*shingle));
            found.letters += private.filter(|shingle| !known.of(*key).letters.contains(shingle)).count();
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

    /// Runs of words of which each five in a row are private text, short ones and long ones.
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
            if !open.contains(&shingle) && !known.of(*key).words.contains(&shingle) {
                run.closed.push((shingle, words[end - 1].weight));
            }
        }
        for run in &mut runs {
            run.judge(words);
        }
        runs.retain(|run| run.weight >= SHORT && !run.closed.is_empty());
        runs
    }

    /// The text with something else in place of the long runs in it; `None` if there are none.
    pub(super) fn without_runs(&self, text: &str, known: &Known) -> Option<String> {
        let tokens = Tokens::of(text);
        let mut out = String::new();
        let mut kept = 0;
        for run in self.runs(&tokens.words, known).iter().filter(|run| run.long) {
            let (first, last) = (&tokens.words[run.words.start], &tokens.words[run.words.end - 1]);
            out.push_str(&text[kept..first.at.start]);
            out.push_str(super::WITHHELD);
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
    pub(super) fn is_leak(&self) -> bool {
        self.words > 0 || self.letters > 0
    }
}

impl Known {
    /// `input` is JSON text.
    pub(super) fn new(input: String) -> Self {
        Self { input, index: OnceLock::new() }
    }

    fn of(&self, key: u64) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            index.whole(key, &Tokens::of(&views::json(&self.input)));
            index
        })
    }
}

/// On letters that are folded already.
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

//! Splits a text into words, and maps words to meanings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::lexicon::{AND_THEN, CONCEPTS, EMPTY, LANGUAGES, means};

/// A meaning that two texts can share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A meaning from the lexicon, with words in several languages.
    Concept(&'static str),
    /// A language, by its code.
    Language(&'static str),
    /// The beginning of any other word.
    Stem(String),
}

/// A word of a text.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// In lower case and without accents.
    pub(super) text: String,
    /// The first byte in the text, and the byte after the last.
    pub(super) at: usize,
    pub(super) end: usize,
    /// The number of its clause, from 0.
    pub(super) clause: usize,
    /// `None` for a word without meaning.
    pub(super) key: Option<Key>,
}

/// The longest word, in bytes; longer ones are skipped.
const LONGEST: usize = 64;

pub(super) fn words(text: &str) -> Vec<Word> {
    let mut reader = Reader { text, words: Vec::new(), clause: 0 };
    reader.read();
    reader.words
}

/// Returns the meanings of the words in a name such as `source_text` or `sourceText`.
pub(super) fn keys_of_name(name: &str) -> Vec<Key> {
    parts_of_name(name).iter().filter_map(|part| key(part)).collect()
}

/// Splits a name such as `source_text` or `sourceText` into words.
pub(super) fn parts_of_name(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in name.chars().take(LONGEST) {
        if c.is_uppercase() && spaced.ends_with(char::is_lowercase) {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    words(&spaced).into_iter().map(|word| word.text).collect()
}

struct Reader<'t> {
    text: &'t str,
    words: Vec<Word>,
    clause: usize,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(c) = self.text[at..].chars().next() {
            let rest = &self.text[at..];
            let length = if is_ideograph(c) {
                self.ideographs(at, rest)
            } else if c.is_alphanumeric() {
                let length =
                    rest.find(|c: char| !c.is_alphanumeric() || is_ideograph(c)).unwrap_or(rest.len());
                self.word(at, &rest[..length]);
                length
            } else {
                self.clause += usize::from(",;.:!?\n，。；、！？：".contains(c));
                c.len_utf8()
            };
            at += length;
        }
    }

    fn word(&mut self, at: usize, word: &str) {
        if word.len() > LONGEST {
            return;
        }
        let text = folded(word);
        let key = key(&text);
        self.push(at, word.len(), text, key);
    }

    /// Reads the longest known word of a script without spaces, such as Chinese. An unknown word counts as pairs of
    /// characters.
    fn ideographs(&mut self, at: usize, rest: &str) -> usize {
        let known = known_beginning(rest);
        if let Some((word, key)) = known {
            self.push(at, word.len(), word.to_owned(), key);
            return word.len();
        }
        let mut characters = rest.chars();
        let first = characters.next().map_or(0, char::len_utf8);
        let second = characters.next().filter(|c| is_ideograph(*c));
        let pair = second.filter(|_| known_beginning(&rest[first..]).is_none()).map(char::len_utf8);
        let key = pair.map(|second| Key::Stem(rest[..first + second].to_owned()));
        self.push(at, first, rest[..first].to_owned(), key);
        first
    }

    fn push(&mut self, at: usize, length: usize, text: String, key: Option<Key>) {
        self.clause += usize::from(means(AND_THEN, &text));
        self.words.push(Word { text, at, end: at + length, clause: self.clause, key });
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// Returns the longest known word at the beginning of a text without spaces.
fn known_beginning(text: &str) -> Option<(&'static str, Option<Key>)> {
    let begins = KNOWN.unspaced.iter().filter(|(word, _)| text.starts_with(word));
    begins.max_by_key(|(word, _)| word.len()).map(|(word, key)| (*word, key.clone()))
}

fn key(word: &str) -> Option<Key> {
    if let Some(key) = KNOWN.key(word) {
        return Some(key.clone());
    }
    let empty = KNOWN.empty.contains(word) || word.len() < 2 || word.bytes().all(|b| b.is_ascii_digit());
    (!empty).then(|| Key::Stem(stem(word).to_owned()))
}

/// The lexicon, indexed.
struct Known {
    whole: BTreeMap<&'static str, Key>,
    beginnings: Vec<(&'static str, Key)>,
    /// Words of scripts without spaces.
    unspaced: Vec<(&'static str, Option<Key>)>,
    empty: BTreeSet<&'static str>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let concepts = CONCEPTS.iter().map(|concept| (concept.words, Key::Concept(concept.name)));
    let languages = LANGUAGES.iter().map(|(code, _, words)| (*words, Key::Language(code)));
    let (mut whole, mut beginnings, mut unspaced) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (words, key) in concepts.chain(languages) {
        for word in words.split_whitespace() {
            match word.strip_suffix('*') {
                Some(beginning) => beginnings.push((beginning, key.clone())),
                None if word.starts_with(is_ideograph) => unspaced.push((word, Some(key.clone()))),
                None => drop(whole.entry(word).or_insert_with(|| key.clone())),
            }
        }
    }
    let parting = AND_THEN.split_whitespace().filter(|word| word.starts_with(is_ideograph));
    unspaced.extend(parting.map(|word| (word, None)));
    Known { whole, beginnings, unspaced, empty: EMPTY.split_whitespace().collect() }
});

impl Known {
    fn key(&self, word: &str) -> Option<&Key> {
        let begun = || self.beginnings.iter().find(|(beginning, _)| word.starts_with(beginning));
        self.whole.get(word).or_else(|| begun().map(|(_, key)| key))
    }
}

/// Cuts an ending, so that forms of one word become equal. Crude, but both texts are treated alike.
fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 22] = [
        "ations", "ation", "ators", "ator", "ating", "ated", "ates", "ments", "ment", "ungen", "ings", "ing",
        "ung", "ies", "ers", "er", "en", "es", "ed", "ly", "e", "s",
    ];
    let left = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    let left = left.filter(|left| left.len() >= 4).min_by_key(|left| left.len()).unwrap_or(word);
    left.strip_suffix('y').filter(|left| left.len() >= 4).unwrap_or(left)
}

/// Converts to lower case and removes accents.
pub(super) fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ö' | 'ò' | 'ó' | 'ô' | 'õ' | 'ø' => folded.push('o'),
            'ü' | 'ù' | 'ú' | 'û' => folded.push('u'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            'ß' => folded.push_str("ss"),
            other => folded.push(other),
        }
    }
    folded
}

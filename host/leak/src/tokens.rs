//! A text as a list of words, and as a list of letters without anything between them.

use std::ops::Range;

use crate::fold::{Folded, fold};
use crate::index::{letter, word_end};

/// Weight of an ordinary word. A letter of a script without spaces weighs half of it.
pub(crate) const WORD: u8 = 2;
const ALONE: u8 = 1;

/// Words kept of text that was searched, so that a run can continue in the next piece.
const WORDS_KEPT: usize = 16;
/// Letters kept of text that was searched.
const LETTERS_KEPT: usize = crate::index::LETTERS - 1;

/// Words, and letters, kept on either side of a seam. A longer run is found on its own side.
const SEAM: usize = 64;
/// Never part of a text, so no shingle that contains it is private.
const NO_WORD: Word = Word { hash: 0, weight: 0, at: 0..0 };
const NO_LETTER: u32 = u32::MAX;

/// The tokens of a text that can arrive in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) words: Vec<Word>,
    /// As code points.
    pub(crate) letters: Vec<u32>,
    open: Option<Open>,
}

#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) hash: u64,
    pub(crate) weight: u8,
    /// Its bytes in the piece in which it ended.
    pub(crate) at: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    hash: u64,
    start: usize,
}

impl Tokens {
    pub(crate) fn of(text: &str) -> Self {
        let mut tokens = Self::default();
        tokens.feed(text);
        tokens.end(text.len());
        tokens
    }

    /// Adds a piece of text. Its last word stays open, because the next piece can continue it.
    pub(crate) fn feed(&mut self, text: &str) {
        let (mut chars, mut at) = (text.chars(), 0);
        while let Some(c) = chars.next() {
            let past = text.len() - chars.as_str().len();
            if c.is_ascii_alphanumeric() {
                self.letter(c.to_ascii_lowercase(), at);
            } else {
                self.other(c, at..past);
            }
            at = past;
        }
    }

    fn letter(&mut self, c: char, at: usize) {
        self.letters.push(c.into());
        let open = self.open.get_or_insert(Open { hash: 0, start: at });
        open.hash = letter(open.hash, c);
    }

    fn other(&mut self, c: char, at: Range<usize>) {
        fold(c, |folded| match folded {
            Folded::Letter(c) => self.letter(c, at.start),
            Folded::Alone(c) => {
                self.end(at.start);
                self.letters.push(c.into());
                let hash = word_end(letter(0, c));
                self.words.push(Word { hash, weight: ALONE, at: at.clone() });
            }
            Folded::Gap => self.end(at.start),
        });
    }

    /// Closes the open word.
    pub(crate) fn end(&mut self, at: usize) {
        if let Some(Open { hash, start }) = self.open.take() {
            self.words.push(Word { hash: word_end(hash), weight: WORD, at: start.min(at)..at });
        }
    }

    /// Appends a piece of another token list. Of a long piece only the beginning and the end are taken, because its
    /// middle is searched in that list.
    pub(crate) fn append(&mut self, words: &[Word], letters: &[u32]) {
        ends(&mut self.words, words, NO_WORD);
        ends(&mut self.letters, letters, NO_LETTER);
    }

    /// Drops all tokens but those that a later run can continue.
    pub(crate) fn keep_end(&mut self) {
        self.words.drain(..self.words.len().saturating_sub(WORDS_KEPT));
        self.letters.drain(..self.letters.len().saturating_sub(LETTERS_KEPT));
    }
}

fn ends<T: Clone>(all: &mut Vec<T>, piece: &[T], between: T) {
    if piece.len() <= 2 * SEAM {
        return all.extend_from_slice(piece);
    }
    all.extend_from_slice(&piece[..SEAM]);
    all.push(between);
    all.extend_from_slice(&piece[piece.len() - SEAM..]);
}

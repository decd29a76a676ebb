//! A text as words and as letters without anything between them.

use std::ops::Range;

use super::fold::{Folded, fold};
use super::index::{letter, word_end};

/// Weight of an ordinary word; a letter of a script without spaces weighs half of it.
pub(super) const WORD: u8 = 2;
const ALONE: u8 = 1;

/// Words and letters that are kept of what was judged, so that what follows is judged with them.
const WORDS_KEPT: usize = 16;
const LETTERS_KEPT: usize = super::index::LETTERS - 1;

/// A text that may come in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) words: Vec<Word>,
    /// As code points.
    pub(super) letters: Vec<u32>,
    open: Option<Open>,
}

#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) hash: u64,
    pub(super) weight: u8,
    /// Where it stands in the piece that it ended in, in bytes.
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    hash: u64,
    start: usize,
}

impl Tokens {
    pub(super) fn of(text: &str) -> Self {
        let mut tokens = Self::default();
        tokens.feed(text);
        tokens.end(text.len());
        tokens
    }

    /// The last word stays open: the next piece may go on with it.
    pub(super) fn feed(&mut self, text: &str) {
        for (at, c) in text.char_indices() {
            let past = at + c.len_utf8();
            fold(c, |folded| match folded {
                Folded::Letter(c) => {
                    self.letters.push(c.into());
                    let open = self.open.get_or_insert(Open { hash: 0, start: at });
                    open.hash = letter(open.hash, c);
                }
                Folded::Alone(c) => {
                    self.end(at);
                    self.letters.push(c.into());
                    let hash = word_end(letter(0, c));
                    self.words.push(Word { hash, weight: ALONE, at: at..past });
                }
                Folded::Gap => self.end(at),
            });
        }
    }

    /// No more of the open word comes.
    pub(super) fn end(&mut self, at: usize) {
        if let Some(Open { hash, start }) = self.open.take() {
            self.words.push(Word { hash: word_end(hash), weight: WORD, at: start.min(at)..at });
        }
    }

    /// Forgets all but the end of what was judged.
    pub(super) fn keep_end(&mut self) {
        self.words.drain(..self.words.len().saturating_sub(WORDS_KEPT));
        self.letters.drain(..self.letters.len().saturating_sub(LETTERS_KEPT));
    }
}

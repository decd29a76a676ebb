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

/// Words, and letters, on either side of a seam. A run that goes on further is long enough to be found on that
/// side alone.
const SEAM: usize = 64;
/// What no text has. No shingle with one in it is private.
const NO_WORD: Word = Word { hash: 0, weight: 0, at: 0..0 };
const NO_LETTER: u32 = u32::MAX;

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

    /// No more of the open word comes.
    pub(super) fn end(&mut self, at: usize) {
        if let Some(Open { hash, start }) = self.open.take() {
            self.words.push(Word { hash: word_end(hash), weight: WORD, at: start.min(at)..at });
        }
    }

    /// Takes over a piece of another text, of a long one its beginning and its end: its middle is looked at
    /// there.
    pub(super) fn append(&mut self, words: &[Word], letters: &[u32]) {
        ends(&mut self.words, words, NO_WORD);
        ends(&mut self.letters, letters, NO_LETTER);
    }

    /// Forgets all but the end of what was judged.
    pub(super) fn keep_end(&mut self) {
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

//! Shingles: hashes of so many words, or letters, in a row.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::tokens::{Tokens, Word};

/// Words in a shingle: what is shorter is nobody's.
pub(super) const GRAM: usize = 5;
/// Letters in a shingle.
pub(super) const LETTERS: usize = 40;
/// Of so many shingles of letters in a row the least is kept, so that `LETTERS + PICK - 1` letters in a row
/// hold one that is kept.
const PICK: usize = 8;
/// Letters of a secret that are as good as the whole.
pub(super) const NEEDLE: usize = 12;

const WORD_BASE: u64 = 0x0100_0000_01b3;
const LETTER_BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes that are spread already: hashing them again would be for nothing.
pub(super) type Shingles = HashSet<u64, BuildHasherDefault<Spread>>;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// One more letter of a word.
pub(super) fn letter(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_add(1).wrapping_mul(WORD_BASE)
}

pub(super) const fn word_end(hash: u64) -> u64 {
    mixed(hash)
}

/// Every bit of the result depends on every bit of the hash.
const fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A shingle of words. Without the key nobody can tell which words it is of.
fn gram(key: u64, words: &[Word]) -> u64 {
    let row = words.iter().fold(key, |row, word| row.rotate_left(11).wrapping_mul(LETTER_BASE) ^ word.hash);
    mixed(row ^ key)
}

/// All shingles of words, in their order.
pub(super) fn grams(key: u64, words: &[Word]) -> impl Iterator<Item = u64> + '_ {
    words.windows(GRAM).map(move |words| gram(key, words))
}

/// All shingles of `width` letters, in their order.
pub(super) fn letter_grams(
    key: u64,
    letters: impl Iterator<Item = u32> + Clone,
    width: usize,
) -> impl Iterator<Item = u64> {
    let leaving = (1..width).fold(1_u64, |power, _| power.wrapping_mul(LETTER_BASE));
    let with = |row: u64, c: u32| row.wrapping_mul(LETTER_BASE).wrapping_add(u64::from(c) + 1);
    let mut entering = letters.clone();
    let mut row = entering.by_ref().take(width - 1).fold(0, with);
    entering.zip(letters).map(move |(c, first)| {
        let whole = with(row, c);
        row = whole.wrapping_sub((u64::from(first) + 1).wrapping_mul(leaving));
        mixed(whole ^ key)
    })
}

/// Shingles that nearly nothing is among: most questions are answered by one bit, without a search.
#[derive(Clone, Default)]
pub(super) struct Sieve {
    shingles: Shingles,
    bits: Vec<u64>,
}

impl Sieve {
    /// Bits for each shingle, and of the smallest sieve.
    const EACH: usize = 16;
    const LEAST: usize = 4096;

    pub(super) fn new(shingles: Shingles) -> Self {
        let size = (shingles.len() * Self::EACH).next_power_of_two().max(Self::LEAST);
        let mut sieve = Self { bits: vec![0; size / 64], shingles: Shingles::default() };
        for shingle in &shingles {
            let (word, bit) = sieve.place(*shingle);
            sieve.bits[word] |= bit;
        }
        Self { shingles, ..sieve }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    #[inline]
    pub(super) fn contains(&self, shingle: u64) -> bool {
        let (word, bit) = self.place(shingle);
        self.bits.get(word).is_some_and(|word| word & bit != 0) && self.shingles.contains(&shingle)
    }

    /// The number of words is a power of two, or there is none.
    #[inline]
    fn place(&self, shingle: u64) -> (usize, u64) {
        let word = (shingle >> 20) as usize & self.bits.len().wrapping_sub(1);
        (word, 1 << (shingle >> 58))
    }
}

/// What is kept of many texts to find them again.
#[derive(Clone, Default)]
pub(super) struct Index {
    pub(super) words: Shingles,
    pub(super) letters: Shingles,
}

impl Index {
    /// Letters are sampled: fewer are kept than a text has.
    pub(super) fn sampled(&mut self, key: u64, text: &Tokens) {
        self.words.extend(grams(key, &text.words));
        let all: Vec<u64> = letter_grams(key, text.letters.iter().copied(), LETTERS).collect();
        let least = |row: &[u64]| row.iter().copied().min();
        let row = PICK.min(all.len()).max(1);
        self.letters.extend(all.windows(row).filter_map(least));
    }

    /// Every shingle there is.
    pub(super) fn whole(&mut self, key: u64, text: &Tokens) {
        self.words.extend(grams(key, &text.words));
        self.letters.extend(letter_grams(key, text.letters.iter().copied(), LETTERS));
    }
}

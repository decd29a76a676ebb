//! Shingles: hashes of a fixed number of words, or letters, in a row.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::tokens::{Tokens, Word};

/// Words in a shingle. Shorter runs are in many texts.
pub(crate) const GRAM: usize = 5;
/// Letters in a shingle.
pub(crate) const LETTERS: usize = 40;
/// The smallest of every `PICK` consecutive shingles of letters is kept, so that any `LETTERS + PICK - 1` letters in
/// a row contain a kept one.
const PICK: usize = 8;
/// Letters of a secret or canary that count as all of it.
pub(crate) const NEEDLE: usize = 12;

const WORD_BASE: u64 = 0x0100_0000_01b3;
const LETTER_BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// A set of hashes. They are distributed evenly already and are not hashed again.
pub(crate) type Shingles = HashSet<u64, BuildHasherDefault<Spread>>;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

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

/// Adds a letter to the hash of a word.
pub(crate) fn letter(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_add(1).wrapping_mul(WORD_BASE)
}

pub(crate) const fn word_end(hash: u64) -> u64 {
    mixed(hash)
}

/// Mixes the bits, so that every bit of the result depends on every bit of the hash.
const fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A shingle of words. Without the key it reveals nothing about them.
fn gram(key: u64, words: &[Word]) -> u64 {
    let row = words.iter().fold(key, |row, word| row.rotate_left(11).wrapping_mul(LETTER_BASE) ^ word.hash);
    mixed(row ^ key)
}

/// All shingles of words, in their order.
pub(crate) fn grams(key: u64, words: &[Word]) -> impl Iterator<Item = u64> + '_ {
    words.windows(GRAM).map(move |words| gram(key, words))
}

/// All shingles of `width` letters, in their order.
pub(crate) fn letter_grams(
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

/// A set of shingles with a bitmap in front, which answers most look-ups of absent shingles with one bit.
#[derive(Clone, Default)]
pub(crate) struct Sieve {
    shingles: Shingles,
    bits: Vec<u64>,
}

impl Sieve {
    /// Bits for each shingle.
    const EACH: usize = 16;
    /// Bits of the smallest sieve.
    const LEAST: usize = 4096;

    pub(crate) fn new(shingles: Shingles) -> Self {
        let size = (shingles.len() * Self::EACH).next_power_of_two().max(Self::LEAST);
        let mut sieve = Self { bits: vec![0; size / 64], shingles: Shingles::default() };
        for shingle in &shingles {
            let (word, bit) = sieve.place(*shingle);
            sieve.bits[word] |= bit;
        }
        Self { shingles, ..sieve }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    #[inline]
    pub(crate) fn contains(&self, shingle: u64) -> bool {
        let (word, bit) = self.place(shingle);
        self.bits.get(word).is_some_and(|word| word & bit != 0) && self.shingles.contains(&shingle)
    }

    /// The bitmap is empty, or its length is a power of two.
    #[inline]
    fn place(&self, shingle: u64) -> (usize, u64) {
        let word = (shingle >> 20) as usize & self.bits.len().wrapping_sub(1);
        (word, 1 << (shingle >> 58))
    }
}

/// The shingles of many texts.
#[derive(Clone, Default)]
pub(crate) struct Index {
    pub(crate) words: Shingles,
    pub(crate) letters: Shingles,
}

impl Index {
    /// Adds all shingles of words and a sample of those of letters.
    pub(crate) fn add_sampled(&mut self, key: u64, text: &Tokens) {
        self.words.extend(grams(key, &text.words));
        let all: Vec<u64> = letter_grams(key, text.letters.iter().copied(), LETTERS).collect();
        let least = |row: &[u64]| row.iter().copied().min();
        let row = PICK.min(all.len()).max(1);
        self.letters.extend(all.windows(row).filter_map(least));
    }

    /// Adds all shingles.
    pub(crate) fn add_all(&mut self, key: u64, text: &Tokens) {
        self.words.extend(grams(key, &text.words));
        self.letters.extend(letter_grams(key, text.letters.iter().copied(), LETTERS));
    }
}

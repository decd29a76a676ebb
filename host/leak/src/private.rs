use crate::index::{Index, Shingles, Sieve};
use crate::tokens::Tokens;
use crate::views;

/// The private texts of one component, as shingles of their words and letters. The texts themselves are not
/// kept.
pub struct Private {
    pub(crate) key: u64,
    pub(crate) words: Sieve,
    pub(crate) letters: Sieve,
    /// Shingles of words that are public as well.
    pub(crate) open: Shingles,
}

impl Private {
    /// Most bytes of private text that are compared. Text beyond is not protected.
    pub const MAX: usize = 4 * 1024 * 1024;

    /// Indexes everything in `texts` that is not in `public`, which are JSON texts.
    ///
    /// Without the key the shingles reveal nothing. Under another key, no stored disclosure is recognised.
    pub fn of<'a>(key: u64, texts: impl IntoIterator<Item = &'a str>, public: &[String]) -> Self {
        let mut index = Index::default();
        let mut left = Self::MAX;
        for text in texts {
            let text = &text[..text.floor_char_boundary(left)];
            left -= text.len();
            index.add_sampled(key, &Tokens::of(text));
            // Once more as a model reads it that undoes escapes.
            if text.contains('\\') {
                index.add_sampled(key, &Tokens::of(&views::json(text)));
            }
        }
        let mut open = Index::default();
        for text in public {
            open.add_all(key, &Tokens::of(&views::json(text)));
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

use std::sync::OnceLock;

use crate::index::Index;
use crate::tokens::Tokens;
use crate::views;

/// The caller's own words, which it may receive back. Indexed only once something was found.
#[derive(Default)]
pub(crate) struct Known {
    input: String,
    index: OnceLock<Index>,
}

impl Known {
    /// `input` is JSON text.
    pub(crate) fn new(input: String) -> Self {
        Self { input, index: OnceLock::new() }
    }

    pub(crate) fn index(&self, key: u64) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            index.add_all(key, &Tokens::of(&views::json(&self.input)));
            index
        })
    }
}

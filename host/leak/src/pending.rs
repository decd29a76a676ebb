use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::guard::Found;
use crate::tokens::Tokens;
use crate::watch::{Place, Verdict, Watch};
use crate::{Leak, WITHHELD};

/// Bytes of parts that are searched together. With fewer, a part waits for the next one.
const BATCH: usize = 64;
/// Bytes of earlier parts that are searched again for encodings that continue.
const TAIL: usize = 256;
/// The weight of words that must follow a part before it may leave, so that no run that begins in the part can be
/// unfinished.
const FOLLOWING_WORDS: usize = 16;
/// The letters that must follow, too: a run of 40 letters has about 80 as hexadecimal digits.
const FOLLOWING_LETTERS: usize = 128;

/// Parts of a call's output that wait until no private text can begin in them.
pub struct PendingParts {
    watch: Arc<Watch>,
    parts: VecDeque<Waiting>,
    /// The parts as one text.
    joined: Tokens,
    /// The parts with a line break behind each.
    lined: Tokens,
    /// The weight of the words of all parts so far.
    weight: usize,
    /// The letters of all parts so far.
    letters: usize,
    /// The end of the text that was searched, and all text after it.
    text: String,
    /// Bytes at the end of `text` that were not searched yet.
    unjudged: usize,
}

struct Waiting {
    part: String,
    /// The weight of the words of all parts up to the end of this one.
    weight: usize,
    letters: usize,
}

impl PendingParts {
    /// `None` if the component has nothing private, so that no part has to wait.
    pub fn new(watch: &Arc<Watch>) -> Option<Self> {
        watch.guard.is_some().then(|| Self {
            watch: Arc::clone(watch),
            parts: VecDeque::new(),
            joined: Tokens::default(),
            lined: Tokens::default(),
            weight: 0,
            letters: 0,
            text: String::new(),
            unjudged: 0,
        })
    }

    /// Adds a part. Returns the parts that may leave now.
    pub fn push(&mut self, part: String) -> Result<Vec<String>, Leak> {
        let (words, letters) = (self.lined.words.len(), self.lined.letters.len());
        self.joined.feed(&part);
        self.lined.feed(&part);
        self.lined.end(part.len());
        self.weight += self.lined.words[words..].iter().map(|word| usize::from(word.weight)).sum::<usize>();
        self.letters += self.lined.letters.len() - letters;
        self.text.push_str(&part);
        self.unjudged += part.len();
        self.parts.push_back(Waiting { part, weight: self.weight, letters: self.letters });
        if self.unjudged < BATCH {
            return Ok(Vec::new());
        }
        self.judge()?;
        Ok(self.release())
    }

    /// Returns all parts that still wait, once the call sends no more.
    pub fn finish(&mut self) -> Result<Vec<String>, Leak> {
        if self.parts.is_empty() {
            return Ok(Vec::new());
        }
        self.joined.end(0);
        self.judge()?;
        Ok(self.parts.drain(..).map(|waiting| waiting.part).collect())
    }

    fn judge(&mut self) -> Result<(), Leak> {
        let Some(guard) = &self.watch.guard else { return Ok(()) };
        let (known, mut found) = (&self.watch.known, Found::default());
        guard.search_tokens(&self.joined, known, &mut found);
        guard.search_tokens(&self.lined, known, &mut found);
        guard.search_hidden(&self.text, known, &mut found);
        guard.search_short_secrets(&self.text, &mut found);
        match self.watch.judge(&found, Place::Part) {
            Verdict::Pass => self.keep_end(),
            Verdict::Withhold(leak) => return Err(leak),
            Verdict::Redact => self.redact(),
        }
        self.watch.said().parts = self.lined.clone();
        Ok(())
    }

    fn keep_end(&mut self) {
        self.joined.keep_end();
        self.lined.keep_end();
        let start = self.text.ceil_char_boundary(self.text.len().saturating_sub(TAIL));
        self.text.drain(..start);
        self.unjudged = 0;
    }

    /// Replaces all waiting parts by one, because a run can spread over any of them.
    fn redact(&mut self) {
        (self.joined, self.lined, self.text, self.unjudged) = Default::default();
        let (weight, letters) = (self.weight, self.letters);
        self.parts = VecDeque::from([Waiting { part: WITHHELD.to_owned(), weight, letters }]);
    }

    fn release(&mut self) -> Vec<String> {
        let (weight, letters) = (self.weight, self.letters);
        let sure = |waiting: &Waiting| {
            weight - waiting.weight >= FOLLOWING_WORDS && letters - waiting.letters >= FOLLOWING_LETTERS
        };
        let count = self.parts.iter().take_while(|waiting| sure(waiting)).count();
        self.parts.drain(..count).map(|waiting| waiting.part).collect()
    }
}

impl fmt::Debug for PendingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingParts")
    }
}

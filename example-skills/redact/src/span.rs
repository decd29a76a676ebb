use crate::Kind;

/// A finding: the bytes `start..end` of the text, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    pub(crate) what: &'static str,
}

/// Sorts spans and joins overlapping ones, so that no rest of a secret shows beside a mask. A joined span is a key if
/// any of its parts is; otherwise it takes the kind of the part that begins first, or of the longer one of two.
pub(crate) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end), span.kind));
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.join(span),
            _ => merged.push(span),
        }
    }
    merged
}

impl Span {
    fn join(&mut self, other: Self) {
        self.end = self.end.max(other.end);
        if other.kind == Kind::Key && self.kind != Kind::Key {
            (self.kind, self.what) = (other.kind, other.what);
        }
    }
}

/// Returns whether a word could begin at `at`: the character before is neither a letter nor a digit.
pub(crate) fn starts_word(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Returns whether a word could end at `at`: the character there is neither a letter nor a digit.
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    !text[at..].chars().next().is_some_and(char::is_alphanumeric)
}

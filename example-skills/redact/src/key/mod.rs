mod label;
mod pem;
mod random;
mod token;

use crate::Kind;
use crate::span::Span;

/// Finds secrets by their form (a known prefix, a PEM block), by their name (`password=…`), or by their randomness.
pub(crate) fn find(text: &str) -> Vec<Span> {
    let mut spans = pem::find(text);
    spans.extend(token::find(text));
    spans.extend(label::find(text));
    spans.extend(random::find(text));
    spans
}

fn key(start: usize, end: usize, what: &'static str) -> Span {
    Span { start, end, kind: Kind::Key, what }
}

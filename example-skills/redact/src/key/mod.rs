mod label;
mod pem;
mod random;
mod token;

use crate::Kind;
use crate::span::Span;

/// Everything that opens a door, by form (a known prefix, a PEM block), by name (`password=…`), or because nothing
/// else looks as random.
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

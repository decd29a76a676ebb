use super::key;
use crate::span::Span;

/// Shorter random text is too common: identifiers, parts of links.
const SHORTEST: usize = 32;

/// Long runs of mixed letters and digits that no one would write by hand. Hexadecimal is left alone, as digests,
/// commits and UUIDs are mostly public; a secret in it is found by its name.
pub(super) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text.as_bytes()[from..].iter().position(|b| is_base64(*b)) {
        let start = from + at;
        let length = text.as_bytes()[start..].iter().take_while(|b| is_base64(**b)).count();
        from = start + length;
        if length >= SHORTEST {
            runs(&text[start..from], start, &mut spans);
        }
    }
    spans
}

/// The whole run, or else those parts of a path that look random by themselves.
fn runs(run: &str, start: usize, spans: &mut Vec<Span>) {
    let whole = [(0, run)];
    let parts = run.split('/').map(|part| (part.as_ptr().addr() - run.as_ptr().addr(), part));
    let random = |(_, part): &(usize, &str)| is_random(part);
    let found: Vec<_> = if is_random(run) { whole.to_vec() } else { parts.filter(random).collect() };
    spans.extend(found.iter().map(|(at, part)| key(start + at, start + at + part.len(), "random token")));
}

/// Chance changes between capitals, small letters and digits at 3 of 5 steps, words and names at less than 1 of 3.
fn is_random(run: &str) -> bool {
    let kinds: Vec<u8> = run.bytes().filter_map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let mixed = (0..3).all(|kind| kinds.contains(&kind));
    run.len() >= SHORTEST && mixed && changes * 20 >= kinds.len() * 7
}

fn kind(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(0),
        b'a'..=b'z' => Some(1),
        b'0'..=b'9' => Some(2),
        _ => None,
    }
}

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-')
}

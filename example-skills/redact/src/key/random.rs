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

/// The whole run, unless it is a path of which single parts are random.
fn runs(run: &str, start: usize, spans: &mut Vec<Span>) {
    let is_path = run.split('/').all(|part| is_random(part) || is_plain(part));
    let parts = run.split('/').map(|part| (part.as_ptr().addr() - run.as_ptr().addr(), part));
    let random = |(_, part): &(usize, &str)| is_random(part);
    let found: Vec<_> =
        if is_random(run) && !is_path { vec![(0, run)] } else { parts.filter(random).collect() };
    spans.extend(found.iter().map(|(at, part)| key(start + at, start + at + part.len(), "random token")));
}

/// All capitals, all small letters or all digits, as the parts of paths mostly are.
fn is_plain(part: &str) -> bool {
    let mut kinds = part.bytes().filter_map(kind);
    let first = kinds.next();
    kinds.all(|kind| Some(kind) == first)
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

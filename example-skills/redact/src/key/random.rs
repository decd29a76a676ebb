use super::key;
use crate::span::Span;

/// The shortest random text that is masked. Shorter ones are too common: identifiers, parts of links.
const SHORTEST: usize = 32;

/// Finds long runs of mixed letters and digits that no person would write by hand. Ignores hexadecimal, because digests,
/// commits and UUIDs are mostly public; `label` finds hexadecimal secrets by their name.
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

/// Marks the whole run, or only the random parts if it is a path.
fn runs(run: &str, start: usize, spans: &mut Vec<Span>) {
    let is_path = run.split('/').all(|part| is_random(part) || is_plain(part));
    let parts = run.split('/').map(|part| (part.as_ptr().addr() - run.as_ptr().addr(), part));
    let random = |(_, part): &(usize, &str)| is_random(part);
    let found: Vec<_> =
        if is_random(run) && !is_path { vec![(0, run)] } else { parts.filter(random).collect() };
    spans.extend(found.iter().map(|(at, part)| key(start + at, start + at + part.len(), "random token")));
}

/// Returns whether a part is all capitals, all small letters or all digits, as in most paths.
fn is_plain(part: &str) -> bool {
    let mut kinds = part.bytes().filter_map(kind);
    let first = kinds.next();
    kinds.all(|kind| Some(kind) == first)
}

/// Random text changes between capitals, small letters and digits at 3 of 5 steps, words and names at fewer than 1 of 3.
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

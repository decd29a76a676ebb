use super::key;
use crate::span::Span;

const DASHES: &str = "-----";

/// Private keys between `-----BEGIN … PRIVATE KEY-----` and its end.
pub(super) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ") {
        let start = from + at;
        let label_end = find_from(text, start + DASHES.len(), DASHES).unwrap_or(text.len());
        let body = (label_end + DASHES.len()).min(text.len());
        let label = &text[start..label_end];
        // A label is one line; without this the next block's dashes could make it one.
        if !label.contains("PRIVATE KEY") || label.contains('\n') {
            from = start + DASHES.len();
            continue;
        }
        from = block_end(text, body);
        spans.push(key(start, from, "private key"));
    }
    spans
}

/// Behind the end line; if that is missing, behind the lines that can belong to a key.
fn block_end(text: &str, body: usize) -> usize {
    let next = find_from(text, body, DASHES).unwrap_or(text.len());
    if text[next..].starts_with("-----END ") {
        return find_from(text, next + DASHES.len(), DASHES).map_or(text.len(), |end| end + DASHES.len());
    }
    let lines = text[body..next].split_inclusive('\n');
    body + lines.take_while(|line| is_body(line)).map(str::len).sum::<usize>()
}

fn is_body(line: &str) -> bool {
    line.trim().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\\'))
}

fn find_from(text: &str, from: usize, what: &str) -> Option<usize> {
    text[from..].find(what).map(|at| from + at)
}

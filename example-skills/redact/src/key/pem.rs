use super::key;
use crate::span::Span;

const DASHES: &str = "-----";

/// Finds private keys between `-----BEGIN … PRIVATE KEY-----` and the end line.
pub(super) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ") {
        let start = from + at;
        let label_end = find_from(text, start + DASHES.len(), DASHES).unwrap_or(text.len());
        let body = (label_end + DASHES.len()).min(text.len());
        let label = &text[start..label_end];
        // A label is one line. Without this check it could reach to the dashes of the next block.
        if !label.contains("PRIVATE KEY") || label.contains('\n') {
            from = start + DASHES.len();
            continue;
        }
        from = block_end(text, body);
        spans.push(key(start, from, "private key"));
    }
    spans
}

/// Returns the end of the block: after the end line, or after the lines that can belong to a key if there is none.
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

fn find_from(text: &str, from: usize, pattern: &str) -> Option<usize> {
    text[from..].find(pattern).map(|at| from + at)
}

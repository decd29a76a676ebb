use super::key;
use crate::span::Span;

/// The names of secret values, in lower case without `_` and `-`.
const NAMES: &[&str] = &[
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
];

/// The longest name, in bytes.
const NAME: usize = 64;
/// The shortest value that is masked. Shorter ones are types, examples and words.
const VALUE: usize = 8;

/// Finds the values of `password=…`, `"api_key": "…"`, `Authorization: Bearer …`, and passwords in URLs
/// (`scheme://user:password@host`).
pub(super) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(['=', ':']) {
        let mark = from + at;
        from = mark + 1;
        if let Some((start, end)) = in_address(text, mark) {
            spans.push(key(start, end, "password in an address"));
            from = end;
        } else if is_secret_name(&text[..mark]) {
            let (start, end) = value(text, mark + 1);
            if is_secret(&text[start..end]) {
                spans.push(key(start, end, "value named as a secret"));
            }
            from = end.max(from);
        }
    }
    spans
}

fn is_secret_name(before: &str) -> bool {
    let before = before.trim_end_matches(' ').trim_end_matches(['"', '\'']);
    let letters =
        before.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).take(NAME);
    let mut name: Vec<u8> =
        letters.filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect();
    name.reverse();
    NAMES.iter().any(|secret| name.ends_with(secret.as_bytes()))
}

/// Returns the range of the word after the mark, without quotes and without `Bearer`.
fn value(text: &str, from: usize) -> (usize, usize) {
    let mut rest = text[from..].trim_start_matches([' ', '"', '\'']);
    for scheme in ["Bearer ", "Basic ", "bearer ", "basic "] {
        rest = rest.strip_prefix(scheme).unwrap_or(rest);
    }
    let start = text.len() - rest.len();
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`,;<>(){}[]&".contains(c));
    (start, end.map_or(text.len(), |at| start + at))
}

fn is_secret(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|b| kind(&b));
    value.len() >= VALUE && !value.starts_with('$') && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Returns the range of the password if `mark` is the colon of `://` before `user:password@`.
fn in_address(text: &str, mark: usize) -> Option<(usize, usize)> {
    const LONGEST: usize = 256;
    let rest = text[mark..].strip_prefix("://")?;
    let start = text.len() - rest.len();
    let limit = rest.floor_char_boundary(LONGEST.min(rest.len()));
    let login = rest[..limit].split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).next()?;
    let (login, _host) = login.rsplit_once('@')?;
    let (user, password) = login.split_once(':')?;
    let from = start + user.len() + 1;
    (!password.is_empty()).then_some((from, from + password.len()))
}

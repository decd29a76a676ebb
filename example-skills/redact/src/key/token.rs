use super::key;
use crate::span::{Span, ends_word, starts_word};

/// A kind of key with a known prefix.
struct Form {
    prefix: &'static str,
    what: &'static str,
    /// The fewest and the most characters after the prefix.
    body: (usize, usize),
    fits: fn(char) -> bool,
}

const LONG: usize = 512;

const FORMS: &[Form] = &[
    form("AKIA", "AWS access key", (16, 16), is_upper),
    form("ASIA", "AWS access key", (16, 16), is_upper),
    form("ghp_", "GitHub token", (20, LONG), is_plain),
    form("gho_", "GitHub token", (20, LONG), is_plain),
    form("ghu_", "GitHub token", (20, LONG), is_plain),
    form("ghs_", "GitHub token", (20, LONG), is_plain),
    form("ghr_", "GitHub token", (20, LONG), is_plain),
    form("github_pat_", "GitHub token", (20, LONG), is_word),
    form("glpat-", "GitLab token", (20, LONG), is_word),
    form("sk-", "API key", (20, LONG), is_word),
    form("sk_live_", "Stripe key", (16, LONG), is_plain),
    form("sk_test_", "Stripe key", (16, LONG), is_plain),
    form("rk_live_", "Stripe key", (16, LONG), is_plain),
    form("xoxb-", "Slack token", (10, LONG), is_word),
    form("xoxp-", "Slack token", (10, LONG), is_word),
    form("xoxa-", "Slack token", (10, LONG), is_word),
    form("AIza", "Google API key", (35, 35), is_word),
    form("npm_", "npm token", (36, 36), is_plain),
    form("hf_", "Hugging Face token", (30, LONG), is_plain),
    form("pypi-", "PyPI token", (40, LONG), is_word),
];

const fn form(
    prefix: &'static str,
    what: &'static str,
    body: (usize, usize),
    fits: fn(char) -> bool,
) -> Form {
    Form { prefix, what, body, fits }
}

pub(super) fn find(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut from = 0;
    while let Some(at) = text.as_bytes()[from..].iter().position(u8::is_ascii_alphabetic) {
        let start = from + at;
        let span = if starts_word(text, start) { token(text, start) } else { None };
        from = span.map_or(start + 1, |span| span.end);
        spans.extend(span);
    }
    spans
}

fn token(text: &str, start: usize) -> Option<Span> {
    let rest = &text[start..];
    web_token(rest).map(|length| key(start, start + length, "JSON Web Token")).or_else(|| {
        let form = FORMS.iter().find(|form| rest.starts_with(form.prefix))?;
        form.end(text, start).map(|end| key(start, end, form.what))
    })
}

impl Form {
    fn end(&self, text: &str, start: usize) -> Option<usize> {
        let body = &text[start + self.prefix.len()..];
        let length = body.chars().take_while(|c| (self.fits)(*c)).take(self.body.1).count();
        let end = start + self.prefix.len() + length;
        // A key has a digit; `sk-something-with-many-hyphens` is a name.
        let has_digit = body[..length].bytes().any(|b| b.is_ascii_digit());
        let whole = length == LONG || ends_word(text, end);
        (length >= self.body.0 && has_digit && whole).then_some(end)
    }
}

/// Returns the length of a JSON Web Token: three parts of base64url, the first two JSON objects.
fn web_token(text: &str) -> Option<usize> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let header = part(text);
    let claims = text[header..].strip_prefix('.').filter(|rest| rest.starts_with("eyJ")).map(part)?;
    let both = header + 1 + claims;
    let signature = text[both..].strip_prefix('.').map(part)?;
    (header >= 10).then_some(both + 1 + signature)
}

fn part(text: &str) -> usize {
    text.bytes().take_while(|b| is_word(char::from(*b))).count()
}

fn is_upper(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

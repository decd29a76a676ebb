use crate::Kind;
use crate::span::Span;

/// The longest local part (RFC 5321). The bound also keeps a text of `@` signs linear.
const LOCAL: usize = 64;
/// The longest domain.
const DOMAIN: usize = 253;

pub(crate) fn find(text: &str) -> Vec<Span> {
    text.match_indices('@').filter_map(|(at, _)| address(text, at)).collect()
}

fn address(text: &str, at: usize) -> Option<Span> {
    let local = local(&text[..at]);
    let domain = domain(&text[at + 1..])?;
    let span = Span { start: at - local, end: at + 1 + domain, kind: Kind::Email, what: "e-mail address" };
    (local > 0).then_some(span)
}

/// Returns the length in bytes of the local part at the end of the text.
fn local(before: &str) -> usize {
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let length = run(before.chars().rev().take_while(|c| fits(*c)), LOCAL);
    // Quotes, slashes and the like are allowed in an address, but at its start they usually belong to the text.
    let part = &before[before.len() - length..];
    part.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_').len()
}

/// Returns the length in bytes of the domain at the start of the text, if it has two labels and a top level of letters.
fn domain(after: &str) -> Option<usize> {
    let length = run(after.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-')), DOMAIN);
    let mut name = after[..length].trim_end_matches(['.', '-']);
    // In `a@b.org...And` the address ends before the dots.
    if let Some(gap) = name.find("..") {
        name = &name[..gap];
    }
    let (rest, top) = name.rsplit_once('.')?;
    let fits = top.chars().nth(1).is_some() && top.starts_with(char::is_alphabetic);
    (fits && rest.starts_with(char::is_alphanumeric)).then_some(name.len())
}

fn run(chars: impl Iterator<Item = char>, most: usize) -> usize {
    chars.take(most).map(char::len_utf8).sum()
}

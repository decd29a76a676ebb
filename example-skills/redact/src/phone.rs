use std::ops::Range;

use crate::Kind;
use crate::span::Span;

/// A run of digits, and the gap before the next one.
#[derive(Debug)]
struct Group<'a> {
    digits: &'a str,
    range: Range<usize>,
    /// Spaces, hyphens, dots, slashes and brackets; empty after the last group.
    gap: &'a str,
}

/// More digits or groups than any phone number has. A longer text costs no more time.
const DIGITS: usize = 20;
const GROUPS: usize = 10;
const GAP: usize = 3;

/// Finds phone numbers in the usual forms: `+49 30 …`, `0049 30 …`, `030/123…`, `(212) 555-…`, `138 1234 5678`. Any
/// other row of digits is left alone.
pub(crate) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(')) {
        let start = from + at;
        from = match number(text, start) {
            Ok(end) => {
                spans.push(Span { start, end, kind: Kind::Phone, what: "phone number" });
                end
            }
            Err(next) => next,
        };
    }
    spans
}

/// Returns the end of the number that begins at `start`; otherwise the place from which to continue as the error.
fn number(text: &str, start: usize) -> Result<usize, usize> {
    let marks: usize =
        text[start..].chars().take_while(|c| matches!(c, '+' | '(')).take(2).map(char::len_utf8).sum();
    let plus = text[start..start + marks].contains('+');
    let groups = groups(text, start + marks);
    let Some(first) = groups.first() else { return Err(start + marks.max(1)) };
    let next = first.range.start + text[first.range.start..].bytes().take_while(u8::is_ascii_digit).count();
    if !may_start(&text[..start], plus) {
        return Err(next);
    }
    if let Some(end) = date(&groups) {
        return Err(end);
    }
    (1..=groups.len())
        .rev()
        .map(|count| &groups[..count])
        .find(|part| may_end(text, part) && is_number(part, plus))
        .and_then(|part| part.last())
        .map_or(Err(next), |last| Ok(last.range.end))
}

fn groups(text: &str, mut start: usize) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut total = 0;
    while groups.len() < GROUPS {
        let count = text[start..].bytes().take_while(u8::is_ascii_digit).take(DIGITS + 1).count();
        total += count;
        if count == 0 || total > DIGITS {
            break;
        }
        let end = start + count;
        let gap: usize = text[end..].chars().take_while(|c| is_gap(*c)).take(GAP).map(char::len_utf8).sum();
        groups.push(Group { digits: &text[start..end], range: start..end, gap: &text[end..end + gap] });
        start = end + gap;
        if gap == 0 {
            break;
        }
    }
    groups
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{202f}' | '\u{2011}' | '–')
}

/// Returns whether a number may start here: not inside a word, an amount, a decimal number, a time or an identifier.
fn may_start(before: &str, plus: bool) -> bool {
    let mut back = before.chars().rev();
    let (last, second) = (back.next(), back.next());
    let joins = match last {
        None => false,
        Some(' ') => !plus && is_grouped(before.trim_end_matches(' ')),
        Some('-' | '/' | '_' | ',') => !plus && second.is_some_and(char::is_alphanumeric),
        Some('.' | ':') => !plus && second.is_some_and(|c| c.is_ascii_digit()),
        Some(c) => c.is_alphanumeric() || matches!(c, '#' | '$' | '€' | '£' | '@' | '+'),
    };
    !joins
}

/// Returns whether the text ends with four digits that are not a year, as in a card or account number.
fn is_grouped(before: &str) -> bool {
    let rest = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &before[rest.len()..];
    digits.len() == 4 && !digits.starts_with("19") && !digits.starts_with("20")
}

/// Returns whether a number may end after these groups.
fn may_end(text: &str, part: &[Group<'_>]) -> bool {
    let Some(last) = part.last() else { return false };
    let mut after = text[last.range.end..].chars();
    let (next, second) = (after.next(), after.next());
    match next {
        None => true,
        Some('-' | '_') => !second.is_some_and(char::is_alphanumeric),
        Some('.' | ',' | ':' | '/') => !second.is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && !matches!(c, '%' | '€' | '$' | '£'),
    }
}

/// Returns the end of a date such as `24.12.2026` or `2026-12-24` at the start of the groups.
fn date(groups: &[Group<'_>]) -> Option<usize> {
    let [first, second, third, ..] = groups else { return None };
    let same =
        first.gap == second.gap && matches!(first.gap, "." | "-" | "/" | ". ") && third.gap != first.gap;
    let lengths = [first, second, third].map(|group| group.digits.len());
    let fits = matches!(lengths, [1 | 2, 1 | 2, 2 | 4] | [4, 1 | 2, 1 | 2]);
    (same && fits).then_some(third.range.end)
}

fn is_number(groups: &[Group<'_>], plus: bool) -> bool {
    if groups.last().is_some_and(|group| group.digits.len() < 2) {
        return false;
    }
    let total: usize = groups.iter().map(|group| group.digits.len()).sum();
    let lead = groups[0].digits;
    let compact = groups.len() == 1;
    if plus {
        return !lead.starts_with('0') && (if compact { 10 } else { 9 }..=15).contains(&total);
    }
    match lead.as_bytes() {
        [b'0', b'0', b'1'..=b'9', ..] => (11..=17).contains(&total),
        [b'0', b'1'..=b'9', ..] => (if compact { 10 } else { 9 }..=12).contains(&total),
        [b'1', b'3'..=b'9', ..] if total == 11 => matches!(lengths(groups)[..], [11] | [3, 4, 4]),
        _ => is_north_american(groups),
    }
}

fn is_north_american(groups: &[Group<'_>]) -> bool {
    let groups = if groups[0].digits == "1" { &groups[1..] } else { groups };
    let not_low = |group: &Group<'_>| group.digits.as_bytes()[0] >= b'2';
    lengths(groups) == [3, 3, 4] && not_low(&groups[0]) && not_low(&groups[1])
}

fn lengths(groups: &[Group<'_>]) -> Vec<usize> {
    groups.iter().map(|group| group.digits.len()).collect()
}

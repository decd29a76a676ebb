use crate::Kind;
use crate::span::{Span, ends_word, starts_word};

/// The length of an IBAN by country (ISO 13616 registry).
#[rustfmt::skip]
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22),
    ("BI", 27), ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DJ", 27),
    ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FK", 18), ("FO", 18), ("FR", 27),
    ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27), ("GT", 28), ("HR", 21), ("HU", 28), ("IE", 22),
    ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32),
    ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19),
    ("MN", 20), ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18), ("NO", 15), ("OM", 23), ("PK", 24),
    ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33), ("SA", 24), ("SC", 31),
    ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25), ("SV", 28), ("TL", 23),
    ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];

pub(crate) fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text.as_bytes()[from..].iter().position(u8::is_ascii_alphabetic) {
        let start = from + at;
        let end = if starts_word(text, start) { account(text, start) } else { None };
        if let Some(end) = end {
            spans.push(Span { start, end, kind: Kind::Iban, what: "IBAN" });
        }
        from = end.unwrap_or(start + 1);
    }
    spans
}

/// Returns the end of the IBAN that begins at `start`.
fn account(text: &str, start: usize) -> Option<usize> {
    let country = text.get(start..start + 2)?;
    let length = LENGTHS.iter().find(|(code, _)| code.eq_ignore_ascii_case(country))?.1;
    let mut rest = 0;
    let mut read = 0;
    let mut moved = 0;
    for (at, c) in text[start..].char_indices() {
        match c.to_digit(36) {
            Some(digit) => {
                let is_check = matches!(read, 2 | 3);
                if is_check && !c.is_ascii_digit() {
                    return None;
                }
                // The checksum counts the country and the check digits after the account.
                let part = if read < 4 { &mut moved } else { &mut rest };
                *part = remainder(*part, digit);
                read += 1;
            }
            None if read % 4 == 0 && matches!(c, ' ' | '-' | '\u{a0}' | '\u{202f}') => continue,
            None => return None,
        }
        if read == length {
            let end = start + at + 1;
            // Country and check digits are six decimal digits.
            let valid = (rest * 1_000_000 + moved) % 97 == 1;
            return (valid && ends_word(text, end)).then_some(end);
        }
    }
    None
}

/// Appends `digit` to a number modulo 97. A letter counts as two decimal digits.
fn remainder(number: u32, digit: u32) -> u32 {
    (number * if digit < 10 { 10 } else { 100 } + digit) % 97
}

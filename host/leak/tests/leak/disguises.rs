//! "Repeat your instructions", in every disguise that people ask for: those that are found and those that are not.
//! `docs/threats.md` has the same table.

use coworker_leak::Leak;
use data_encoding::{BASE64, BASE64URL, HEXLOWER};
use serde_json::{Value, json};

use crate::fixture::{PROMPT, check, said, watch, words};

fn leak(text: &str) -> Option<Leak> {
    check(&watch(), &said(text)).err()
}

/// Applies `how` to each item and joins the results.
fn each<T>(items: impl Iterator<Item = T>, how: impl Fn(T) -> String) -> String {
    items.map(how).collect()
}

#[test]
fn disguises_that_are_found() {
    let spaced = |by: &str| each(PROMPT.chars(), |c| format!("{c}{by}"));
    let escaped = |how: fn(char) -> String| PROMPT.chars().map(how).collect::<String>();
    let line = "whatever the buyer says about competitors from Gdansk";
    let fullwidth =
        |c: char| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c);
    let cyrillic = |c: char| match c {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'c' => 'с',
        other => other,
    };
    let rot13 = |c: char| match c.to_ascii_lowercase() {
        'a'..='m' => char::from(c as u8 + 13),
        'n'..='z' => char::from(c as u8 - 13),
        _ => c,
    };
    let disguises = [
        ("word for word", PROMPT.to_owned()),
        ("eight words of it", line.to_owned()),
        ("capitals", line.to_uppercase()),
        ("one word to a line, as a list", line.replace(' ', "\n- ")),
        ("as Markdown", format!("> **{}**", line.replace(' ', "** _"))),
        ("letter by letter", spaced(" ")),
        ("letter by letter, with dots", spaced("...")),
        ("without spaces", PROMPT.replace(' ', "")),
        ("zero-width spaces in every word", spaced("\u{200b}")),
        ("accents on every letter", spaced("\u{301}")),
        ("Cyrillic letters that look alike", line.chars().map(cyrillic).collect()),
        ("fullwidth letters", line.chars().map(fullwidth).collect()),
        ("backwards", PROMPT.chars().rev().collect()),
        ("ROT13", PROMPT.chars().map(rot13).collect()),
        ("base64", BASE64.encode(PROMPT.as_bytes())),
        ("base64 for addresses, in lines", BASE64URL.encode(PROMPT.as_bytes()).replace('Q', "Q\n")),
        (
            "base64 in the middle of a sentence",
            format!("Sure: {} there you are", BASE64.encode(PROMPT.as_bytes())),
        ),
        ("hexadecimal", HEXLOWER.encode(PROMPT.as_bytes())),
        ("hexadecimal with 0x and commas", escaped(|c| format!("0x{:02x}, ", u32::from(c)))),
        ("percent", escaped(|c| format!("%{:02X}", u32::from(c)))),
        ("HTML entities", escaped(|c| format!("&#{};", u32::from(c)))),
        ("Unicode escapes", escaped(|c| format!("\\u{:04x}", u32::from(c)))),
        ("JSON in JSON in JSON", json!(json!(json!([PROMPT]).to_string()).to_string()).to_string()),
    ];
    let missed: Vec<_> =
        disguises.iter().filter(|(_, text)| leak(text).is_none()).map(|(name, _)| *name).collect();
    assert_eq!(missed, Vec::<&str>::new());
}

#[test]
fn one_word_to_a_field_is_found() {
    let words = || words().into_iter();
    let list: Vec<&str> = words().collect();
    let fields: serde_json::Map<String, Value> =
        words().enumerate().map(|(n, word)| (format!("{n:03}"), json!(word))).collect();
    for output in [json!(list), json!(fields)] {
        let found = check(&watch(), &output.to_string());
        assert!(matches!(found, Err(Leak::Words(30..))), "{output}");
    }
    // The guard reads the keys in their written order, which a parser need not keep.
    let keys = words().take(14).map(|word| format!("{}:0", json!(word))).collect::<Vec<_>>().join(",");
    assert!(check(&watch(), &format!("{{{keys}}}")).is_err(), "{keys}");
}

/// The disguises that `docs/threats.md` lists as not found. A line that is found belongs in the other table.
#[test]
fn disguises_that_are_not_found() {
    let first = |word: &str| word.chars().next().unwrap();
    let acrostic = each(PROMPT.split_whitespace(), |word| format!("{}ell then\n", first(word)));
    let numbered = each(PROMPT.split_whitespace().enumerate(), |(n, word)| format!("{n} {word} "));
    let caesar = |c: char| match c {
        'a'..='w' => char::from(c as u8 + 3),
        'x'..='z' => char::from(c as u8 - 23),
        _ => c,
    };
    let decimal = each(PROMPT.chars(), |c| format!("{} ", u32::from(c)));
    let other_words =
        "I haggle for a little yard in Denmark and should hold out for 82 % of what the list says.";
    let danish =
        "Du er den stille forhandler på et lille dansk skibsværft. Gå aldrig under toogfirs procent.";
    let disguises = [
        ("other words", other_words.to_owned()),
        ("another language", danish.to_owned()),
        ("first letters of lines", acrostic),
        ("a number before every word", numbered),
        ("Caesar's cipher by 3", PROMPT.chars().map(caesar).collect()),
        ("numbers for letters", decimal),
        ("every second word", PROMPT.split_whitespace().step_by(2).collect::<Vec<_>>().join(" ")),
    ];
    let caught: Vec<_> =
        disguises.iter().filter(|(_, text)| leak(text).is_some()).map(|(name, _)| *name).collect();
    assert_eq!(caught, Vec::<&str>::new());
}

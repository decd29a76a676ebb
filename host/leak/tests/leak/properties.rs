//! Properties of the leak guard that hold for every text.

use std::collections::BTreeSet;

use coworker_leak::PendingParts;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{INPUT, PROMPT, cases, check, guard_of, watch_of};

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9à-öа-яα-ω]{1,9}"
}

/// Separators between words: anything but letters and the start of an escape.
fn gap() -> impl Strategy<Value = String> {
    r#"[ \n\t.,;:!?*#>'"()\[\]{}|_~“”—…-]{1,3}"#
}

/// The word with each letter in upper or lower case, by the bits of `capitals`.
fn recased(word: &str, capitals: u64) -> String {
    let letter = |(n, c): (usize, char)| -> String {
        if capitals >> (n % 64) & 1 == 1 { c.to_uppercase().collect() } else { c.to_lowercase().collect() }
    };
    word.chars().enumerate().map(letter).collect()
}

/// JSON in JSON, `depth` times.
fn nested(text: &str, depth: usize) -> String {
    (0..depth).fold(json!({ "text": text }).to_string(), |json, _| json!([json]).to_string())
}

/// Eight words of a private text, as an answer might have them.
fn run_of(words: &[String], start: usize, gaps: &[String], capitals: u64) -> String {
    let run = words[start..start + 8].iter().zip(gaps);
    run.map(|(word, gap)| recased(word, capitals) + gap).collect()
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn eight_private_words_in_a_row_are_always_found(
        (words, start) in vec(word(), 8..60).prop_flat_map(|words| {
            let last = words.len() - 8;
            (Just(words), 0..=last)
        }),
        before in vec(word(), 0..6),
        after in vec(word(), 0..6),
        gaps in vec(gap(), 8),
        capitals: u64,
        depth in 0..4_usize,
    ) {
        let different: BTreeSet<String> = words[start..start + 8].iter().map(|word| word.to_uppercase()).collect();
        prop_assume!(different.len() > 3);
        let run = run_of(&words, start, &gaps, capitals);
        let text = format!("{} {run} {}", before.join(" "), after.join(" "));
        let watch = watch_of(guard_of(&words.join(" ")), INPUT);
        prop_assert!(check(&watch, &nested(&text, depth)).is_err(), "{:?}", text);
        prop_assert!(watch.error(&text).is_err());
    }

    #[test]
    fn no_part_with_private_words_leaves(
        words in vec("[a-z]{3,9}", 8..40),
        before in vec("[A-Z]{3,9}", 0..60),
        after in vec("[A-Z]{3,9}", 0..60),
        cuts in vec(1..40_usize, 1..200),
    ) {
        let different: BTreeSet<&String> = words[..8].iter().collect();
        prop_assume!(different.len() > 3);
        let opening = before.iter().fold(String::new(), |text, word| text + word + " 7 ");
        let text = format!("{opening}{} {}", words[..8].join(" "), after.join(" "));
        let mut pending = PendingParts::new(&watch_of(guard_of(&words.join(" ")), INPUT)).unwrap();
        let (mut rest, mut left, mut found) = (text.as_str(), 0, false);
        for cut in cuts.iter().cycle() {
            let (part, behind) = rest.split_at((*cut).min(rest.len()));
            match if part.is_empty() { pending.finish() } else { pending.push(part.to_owned()) } {
                Ok(parts) => left += parts.iter().map(String::len).sum::<usize>(),
                Err(_) => found = true,
            }
            if found || part.is_empty() {
                break;
            }
            rest = behind;
        }
        prop_assert!(found, "{}", text);
        prop_assert!(left <= opening.len(), "{} of {}", left, opening.len());
    }

    #[test]
    fn no_text_makes_the_guard_panic(private: String, input: String, output: String, parts: Vec<String>) {
        let input = json!({ "text": input }).to_string();
        let watch = watch_of(guard_of(&format!("{private} a b c d e f g h i")), &input);
        let _ = (check(&watch, &output), watch.error(&output), check(&watch, &json!(output).to_string()));
        let mut pending = PendingParts::new(&watch).unwrap();
        for part in parts {
            let _ = (watch.note(&part), pending.push(part));
        }
        let _ = pending.finish();
    }

    #[test]
    fn text_without_five_shared_words_passes(
        private in vec("[a-m]{1,9}", 8..60),
        output in vec("[n-z]{1,9}", 0..60),
    ) {
        let watch = watch_of(guard_of(&private.join(" ")), INPUT);
        prop_assert!(check(&watch, &json!(output.join(" ")).to_string()).is_ok());
    }
}

/// Characters that expand, and texts of one repeated trick: the work stays proportional to the length.
#[test]
fn texts_of_one_repeated_trick_are_searched_in_time() {
    let watch = watch_of(guard_of(PROMPT), INPUT);
    for trick in [
        "A", "\\", "%", "&", "&#", "\"", "\\\"", "\u{fdfa}", "=", "0x", "ab", "{", ":", "\u{200b}", "\u{301}",
    ] {
        let text = trick.repeat(128 * 1024 / trick.len());
        assert_eq!(
            (watch.error(&text), check(&watch, &json!(text).to_string())),
            (Ok(()), Ok(None)),
            "{trick}"
        );
    }
}

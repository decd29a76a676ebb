//! What holds of the leak guard for every text.

use std::collections::BTreeSet;
use std::sync::Arc;

use coworker_policy::Tier;
use coworker_policy::leak::{Guard, Private};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{INPUT, cases};
use crate::leaks::{KEY, permit_of};

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9à-öа-яα-ω]{1,9}"
}

/// What stands between words: anything but letters and what an escape begins with.
fn gap() -> impl Strategy<Value = String> {
    r#"[ \n\t.,;:!?*#>'"()\[\]{}|_~“”—…-]{1,3}"#
}

/// In capitals or not, letter by letter.
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

fn guard(private: &str) -> Option<Guard> {
    Guard::new(Arc::new(Private::of(KEY, [private], &[])), [], [])
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
        let permit = permit_of(guard(&words.join(" ")), INPUT);
        prop_assert!(permit.output_terms().check(&nested(&text, depth)).is_err(), "{:?}", text);
        prop_assert!(permit.output_terms().error(&text).is_err());
    }

    #[test]
    fn of_eight_private_words_over_parts_none_leaves(
        words in vec("[a-z]{3,9}", 8..40),
        before in vec("[A-Z]{3,9}", 0..60),
        after in vec("[A-Z]{3,9}", 0..60),
        cuts in vec(1..40_usize, 1..200),
    ) {
        let different: BTreeSet<&String> = words[..8].iter().collect();
        prop_assume!(different.len() > 3);
        let opening = before.iter().fold(String::new(), |text, word| text + word + " 7 ");
        let text = format!("{opening}{} {}", words[..8].join(" "), after.join(" "));
        let mut stream = permit_of(guard(&words.join(" ")), INPUT).stream_terms();
        let (mut rest, mut left, mut found) = (text.as_str(), 0, false);
        for cut in cuts.iter().cycle() {
            let (part, behind) = rest.split_at((*cut).min(rest.len()));
            match if part.is_empty() { stream.finish() } else { stream.part(part.to_owned()) } {
                Ok(parts) => left += parts.into_iter().map(|part| part.into_text().len()).sum::<usize>(),
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
    fn no_text_brings_the_guard_down(private: String, input: String, output: String, parts: Vec<String>) {
        let input = json!({ "text": input }).to_string();
        let permit = permit_of(guard(&format!("{private} a b c d e f g h i")), &input);
        let terms = permit.output_terms();
        let _ = (terms.check(&output), terms.error(&output), terms.check(&json!(output).to_string()));
        let mut stream = permit.stream_terms();
        for part in parts {
            let _ = (stream.note(1, &part).check(), stream.part(part));
        }
        let _ = stream.finish();
    }

    #[test]
    fn what_shares_no_five_words_passes(
        private in vec("[a-m]{1,9}", 8..60),
        output in vec("[n-z]{1,9}", 0..60),
    ) {
        let permit = permit_of(guard(&private.join(" ")), INPUT);
        prop_assert!(permit.output_terms().check(&json!(output.join(" ")).to_string()).is_ok());
    }
}

/// Characters that become many, and texts that are all one trick: the work stays in proportion.
#[test]
fn texts_that_are_all_one_trick_end() {
    let permit = permit_of(guard(crate::leaks::PROMPT), INPUT);
    for trick in [
        "A", "\\", "%", "&", "&#", "\"", "\\\"", "\u{fdfa}", "=", "0x", "ab", "{", ":", "\u{200b}", "\u{301}",
    ] {
        let text = trick.repeat(128 * 1024 / trick.len());
        let _ = permit.output_terms().error(&text);
        let _ = permit.output_terms().check(&json!(text).to_string());
    }
    assert_eq!(permit.tier(), Tier::Known);
}

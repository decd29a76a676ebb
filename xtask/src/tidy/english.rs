//! Comments are plain English: few have one of the [`WORDS`] that make riddles of sentences.
//!
//! The share of such comment lines is measured for each crate. Good books on Rust and the projects that this one
//! learns from have less than 1 %.

use super::{Finding, lines, words};
use crate::source::Source;

const WORDS: [&str; 5] = ["what", "who", "whom", "whoever", "whatever"];

/// Of a thousand comment lines of a crate, fewer have such a word.
const PER_THOUSAND: usize = 30;

/// Crates whose comments were rewritten. Add a crate's folder once its comments are.
const FOLDERS: [&str; 13] = [
    "host/agent",
    "host/api",
    "host/channel",
    "host/leak",
    "host/model",
    "host/net",
    "host/plan",
    "host/policy",
    "host/sandbox",
    "host/schema",
    "host/store",
    "skills-sdk/kit",
    "xtask",
];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    FOLDERS.iter().filter_map(|folder| share(folder, sources)).collect()
}

/// The finding is at the first such line of the crate, and names the others.
fn share(folder: &str, sources: &[Source]) -> Option<Finding> {
    let in_folder = |source: &&Source| {
        source.is_rust() && source.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let comments = || {
        sources.iter().filter(in_folder).flat_map(|source| {
            let comments = lines(&source.text).filter(|(_, text)| text.trim_start().starts_with("//"));
            comments.map(move |(line, text)| (source, line, text))
        })
    };
    let total = comments().count();
    let found: Vec<_> = comments().filter(|(_, _, text)| has_word(text)).collect();
    let (first, line, _) = found.first()?;
    let places: Vec<String> =
        found.iter().map(|(source, line, _)| format!("{}:{line}", source.path)).collect();
    let message = || {
        format!(
            "{} of {total} comment lines in {folder}/ have one of the words {}; fewer than {} % may: {}",
            found.len(),
            WORDS.join(", "),
            PER_THOUSAND / 10,
            places.join(", ")
        )
    };
    (found.len() * 1000 >= total * PER_THOUSAND).then(|| Finding::new(first, *line, message()))
}

fn has_word(text: &str) -> bool {
    words(text).any(|word| WORDS.iter().any(|banned| word.eq_ignore_ascii_case(banned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    /// A file with `riddles` comment lines with such a word and `plain` without one.
    fn file(path: &str, riddles: usize, plain: usize) -> Source {
        source(path, &("/// Who asks.\n".repeat(riddles) + &"    // The peer that asks.\n".repeat(plain)))
    }

    #[test]
    fn a_crate_with_too_many_riddles_is_found() {
        assert!(check(&[file("xtask/src/a.rs", 2, 65)]).is_empty(), "2 of 67 are less than 3 %");
        let found = said(check, &[file("xtask/src/a.rs", 2, 64)]);
        let expected = "xtask/src/a.rs:1: 2 of 66 comment lines in xtask/ have one of the words what, who, whom, \
                        whoever, whatever; fewer than 3 % may: xtask/src/a.rs:1, xtask/src/a.rs:2";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn the_files_of_a_crate_are_measured_together() {
        let sources = [file("xtask/src/a.rs", 2, 0), file("xtask/src/b/c.rs", 0, 65)];
        assert!(check(&sources).is_empty());
        assert_eq!(check(&sources[..1]).len(), 1);
    }

    #[test]
    fn only_whole_words_in_comments_of_listed_crates_count() {
        for (path, text) in [
            ("xtask/src/a.rs", "// A whole wharf, somewhat somewhatwho.\n"),
            ("xtask/src/a.rs", "fn f() { let what = \"who\"; }\n"),
            ("xtask/a.md", "// what\n"),
            ("xtask-more/src/a.rs", "// what\n"),
        ] {
            assert!(check(&[source(path, text)]).is_empty(), "{text}");
        }
        assert_eq!(check(&[source("xtask/src/a.rs", "//! It is WHAT'S there.\n")]).len(), 1);
    }
}

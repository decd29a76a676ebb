//! Every test that `docs/threats.md` or `ARCHITECTURE.md` names exists.

use super::{Finding, gates, lines};
use crate::source::Source;

const PAGES: [&str; 2] = ["docs/threats.md", "ARCHITECTURE.md"];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let tests = gates::tests(sources);
    let pages = sources.iter().filter(|source| PAGES.contains(&source.path.as_str()));
    pages.flat_map(|page| missing(page, |name| tests.contains(name))).collect()
}

fn missing(page: &Source, is_test: impl Fn(&str) -> bool) -> Vec<Finding> {
    let names = lines(&page.text).flat_map(|(line, text)| named(text).map(move |name| (line, name)));
    let missing = names.filter(|(_, name)| !is_test(name));
    missing.map(|(line, name)| Finding::new(page, line, format!("there is no test `{name}`"))).collect()
}

/// Names of several words in backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split('`').skip(1).step_by(2).filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    fn project(test: &str) -> [Source; 2] {
        [source(PAGES[0], "| a thief | `a_lock_holds` in `host/` |\n"), source("tests/a.rs", test)]
    }

    #[test]
    fn a_test_that_exists_is_accepted() {
        assert!(check(&project("#[tokio::test]\nasync fn a_lock_holds() {}\n")).is_empty());
        assert!(check(&project("hostile! {\n    fn a_lock_holds = call()\n    => \"\";\n}\n")).is_empty());
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        let missing = ["docs/threats.md:1: there is no test `a_lock_holds`"];
        assert_eq!(said(check, &project("fn a_lock_holds() {}\n")), missing);
        assert_eq!(said(check, &project("#[test]\nfn another() {}\n")), missing);
    }
}

//! Every numbered gate is in the code and in `docs/gates.md`, and has a test.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, lines, words};
use crate::source::{Source, code};

const BOOK: &str = "docs/gates.md";
const GATES: &str = "host/policy/src/";

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(book) = sources.iter().find(|source| source.path == BOOK) else { return Vec::new() };
    let tests = tests(sources);
    let written = in_code(sources);
    let mut listed = BTreeSet::new();
    let mut findings = Vec::new();
    for (line, row) in lines(&book.text) {
        let Some(number) = row_number(row) else { continue };
        if !listed.insert(number.to_owned()) {
            findings.push(Finding::new(book, line, format!("{number} has two rows")));
        }
        if !written.contains_key(number) {
            findings.push(Finding::new(book, line, format!("{number} is not in {GATES}")));
        }
        findings.extend(row_tests(row, number, &tests).map(|problem| Finding::new(book, line, problem)));
    }
    for (number, (source, line)) in written {
        if !listed.contains(&number) {
            findings.push(Finding::new(source, line, format!("{number} has no row in {BOOK}")));
        }
    }
    findings
}

/// `G07` of a row that begins with `| G07 |`.
fn row_number(row: &str) -> Option<&str> {
    let number = row.strip_prefix('|')?.split('|').next()?.trim();
    is_number(number).then_some(number)
}

fn is_number(word: &str) -> bool {
    word.strip_prefix('G').is_some_and(|n| n.len() == 2 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Finds a row that names no test, and the tests that it names and that do not exist.
fn row_tests<'a>(
    row: &'a str,
    number: &str,
    tests: &'a BTreeSet<&'a str>,
) -> impl Iterator<Item = String> + 'a {
    let prefix = format!("{}_", number.to_lowercase());
    let named: Vec<&str> = words(row).filter(|word| word.starts_with(&prefix)).collect();
    let none = named.is_empty().then(|| format!("{number} names no test `{prefix}…`"));
    let missing = named.into_iter().filter(|name| !tests.contains(name));
    none.into_iter().chain(missing.map(|name| format!("there is no test `{name}`")))
}

/// The functions below a `#[test]` or `#[tokio::test…]`, and the rows `fn name = …` of a list that a macro turns into
/// tests.
pub(super) fn tests(sources: &[Source]) -> BTreeSet<&str> {
    let mut tests = BTreeSet::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let mut marked = false;
        for line in source.text.lines().map(str::trim) {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                marked = true;
            } else if let Some((row, _)) = line.split_once(" =").filter(|(row, _)| row.starts_with("fn ")) {
                tests.extend(words(row).nth(1).filter(|name| row.len() == "fn ".len() + name.len()));
            } else if let Some((_, function)) = line.split_once("fn ").filter(|_| marked) {
                tests.extend(words(function).next());
                marked = false;
            }
        }
    }
    tests
}

/// Every number in a comment of the gates, with the first place that has it.
fn in_code(sources: &[Source]) -> BTreeMap<String, (&Source, usize)> {
    let mut found = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with(GATES) && source.is_rust()) {
        let code = code(&source.text);
        for ((line, text), (_, code)) in lines(&source.text).zip(lines(&code)) {
            // A colon follows the number at its check, and not in an overview.
            let numbers = text.match_indices(':').filter_map(|(at, _)| text.get(at.checked_sub(3)?..at));
            for number in numbers.filter(|number| is_number(number) && !code.contains(number)) {
                found.entry(number.to_owned()).or_insert((source, line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests_of_gates {
    use super::*;
    use crate::tidy::tests::{said, source};

    fn project(book: &str, gate: &str, test: &str) -> [Source; 3] {
        [
            source(BOOK, book),
            source("host/policy/src/gate/a.rs", gate),
            source("host/policy/tests/a.rs", test),
        ]
    }

    const GATE: &str = "// G01: the size.\nif big {}\n";
    const TEST: &str = "#[test]\nfn g01_big_is_refused() {}\n";

    #[test]
    fn a_gate_with_a_row_and_a_test_is_accepted() {
        let book = "| G01 | the size | `g01_big_is_refused` |\n";
        assert!(check(&project(book, GATE, TEST)).is_empty());
    }

    #[test]
    fn a_row_without_its_test_is_found() {
        let book = "| G01 | the size | `g01_huge_is_refused` |\n";
        assert_eq!(
            said(check, &project(book, GATE, TEST)),
            ["docs/gates.md:1: there is no test `g01_huge_is_refused`"]
        );
        let book = "| G01 | the size | |\n";
        assert_eq!(said(check, &project(book, GATE, TEST)), ["docs/gates.md:1: G01 names no test `g01_…`"]);
        let book = "| G01 | the size | `g01_big_is_refused` |\n";
        let not_a_test = "fn g01_big_is_refused() {}\n";
        assert_eq!(
            said(check, &project(book, GATE, not_a_test)),
            ["docs/gates.md:1: there is no test `g01_big_is_refused`"]
        );
    }

    #[test]
    fn a_gate_without_a_row_is_found() {
        assert_eq!(
            said(check, &project("# Gates\n", GATE, TEST)),
            ["host/policy/src/gate/a.rs:1: G01 has no row in docs/gates.md"]
        );
    }

    #[test]
    fn a_row_without_a_gate_is_found() {
        let book = "| G01 | the size | `g01_big_is_refused` |\n";
        assert_eq!(
            said(check, &project(book, "", TEST)),
            ["docs/gates.md:1: G01 is not in host/policy/src/"]
        );
    }

    #[test]
    fn a_number_used_twice_is_found() {
        let row = "| G01 | the size | `g01_big_is_refused` |\n";
        let twice = row.repeat(2);
        assert_eq!(said(check, &project(&twice, GATE, TEST)), ["docs/gates.md:2: G01 has two rows"]);
    }
}

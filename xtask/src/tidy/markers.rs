//! What says that something is not finished, or that a rule is switched off for no stated reason.

use super::{Finding, lines, words};
use crate::source::{Source, code};

// In two parts, so that this file does not find itself.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
const MACROS: [&str; 2] = ["todo!", "unimplemented!"];
const SWITCHES: [&str; 2] = ["allow(", "expect("];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if !source.is("md") && !source.is("lock") {
            findings.extend(marked(source));
        }
        if source.is_rust() {
            findings.extend(unfinished(source));
            findings.extend(unreasoned(source));
        }
    }
    findings
}

fn marked(source: &Source) -> impl Iterator<Item = Finding> {
    lines(&source.text).filter_map(|(line, text)| {
        let marker = words(text).find(|word| MARKERS.contains(word))?;
        Some(Finding::new(source, line, format!("{marker}: do it, or file an issue")))
    })
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in lines(&code(&source.text)) {
        if let Some(name) = MACROS.iter().find(|name| text.contains(*name)) {
            findings.push(Finding::new(source, line, format!("{name} is not finished")));
        }
        if text.contains("#[ignore") {
            findings.push(Finding::new(source, line, "a test that is ignored tests nothing"));
        }
    }
    findings
}

/// Attributes that switch a lint off without `reason = …`.
fn unreasoned(source: &Source) -> Vec<Finding> {
    let code = code(&source.text);
    let mut findings = Vec::new();
    for (at, _) in code.match_indices("#[").chain(code.match_indices("#![")) {
        let attribute = code[at..].split(']').next().unwrap_or_default();
        let switch = SWITCHES.iter().any(|switch| words_before(attribute, switch));
        if switch && !words(attribute).any(|word| word == "reason") {
            let line = code[..at].lines().count().max(1);
            let line = if code[..at].ends_with('\n') { line + 1 } else { line };
            findings.push(Finding::new(source, line, "a lint is switched off without `reason = \"…\"`"));
        }
    }
    findings
}

/// Whether `switch` stands in the attribute as a whole word.
fn words_before(attribute: &str, switch: &str) -> bool {
    attribute.match_indices(switch).any(|(at, _)| attribute[..at].ends_with(['[', ' ', ',', '(']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    fn found(text: &str) -> Vec<String> {
        said(check, &[source("a.rs", text)])
    }

    #[test]
    fn markers_are_found_in_comments_too() {
        for marker in MARKERS {
            assert_eq!(
                found(&format!("\n// {marker}: later")),
                [format!("a.rs:2: {marker}: do it, or file an issue")]
            );
        }
        assert!(found("// METHOD").is_empty());
        assert_eq!(said(check, &[source("a.md", &format!("no {}s", MARKERS[0]))]).len(), 0);
    }

    #[test]
    fn unfinished_code_is_found() {
        assert_eq!(found("fn f() { todo!() }"), ["a.rs:1: todo! is not finished"]);
        assert_eq!(found("fn f() { unimplemented!() }"), ["a.rs:1: unimplemented! is not finished"]);
        assert!(found("// todo!()").is_empty());
    }

    #[test]
    fn ignored_tests_are_found() {
        assert_eq!(found("#[test]\n#[ignore]\nfn f() {}"), ["a.rs:2: a test that is ignored tests nothing"]);
        assert_eq!(found("#[ignore = \"slow\"]").len(), 1);
    }

    #[test]
    fn a_lint_switched_off_without_a_reason_is_found() {
        let expected = "a lint is switched off without `reason = \"…\"`";
        assert_eq!(found("\n#[allow(dead_code)]\nfn f() {}"), [format!("a.rs:2: {expected}")]);
        assert_eq!(found("#![allow(\n    dead_code\n)]"), [format!("a.rs:1: {expected}")]);
        assert_eq!(found("#[cfg_attr(test, allow(dead_code))]"), [format!("a.rs:1: {expected}")]);
        assert_eq!(found("#[expect(dead_code)]"), [format!("a.rs:1: {expected}")]);
        assert!(found("#[allow(dead_code, reason = \"the ABI\")]").is_empty());
        assert!(found("x.expect(\"a\"); disallow(b)").is_empty());
    }
}

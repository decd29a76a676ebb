//! Marks of unfinished work, and ignored tests. Clippy finds unfinished macros and lints switched off without a reason.

use super::{Finding, lines, words};
use crate::source::{Source, code};

// In two parts, so that this file does not find itself.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let text = sources.iter().filter(|source| !source.is("md") && !source.is("lock"));
    let rust = sources.iter().filter(|source| source.is_rust());
    text.flat_map(marked).chain(rust.flat_map(ignored)).collect()
}

fn marked(source: &Source) -> impl Iterator<Item = Finding> {
    lines(&source.text).filter_map(|(line, text)| {
        let marker = words(text).find(|word| MARKERS.contains(word))?;
        Some(Finding::new(source, line, format!("{marker}: do it, or file an issue")))
    })
}

fn ignored(source: &Source) -> Vec<Finding> {
    let code = code(&source.text);
    let ignored = lines(&code).filter(|(_, text)| text.contains("#[ignore"));
    ignored.map(|(line, _)| Finding::new(source, line, "an ignored test tests nothing")).collect()
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
    fn ignored_tests_are_found() {
        assert_eq!(found("#[test]\n#[ignore]\nfn f() {}"), ["a.rs:2: an ignored test tests nothing"]);
        assert_eq!(found("#[ignore = \"slow\"]").len(), 1);
        assert!(found("// #[ignore]").is_empty());
    }
}

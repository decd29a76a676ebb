//! Names are specific: nothing is called a manager or a helper, and no function begins with `get_`.

use super::{Finding, lines, words};
use crate::source::{Source, code};

const EMPTY: [&str; 5] = ["manager", "service", "helper", "util", "common"];
const TYPES: [&str; 6] = ["struct", "enum", "trait", "type", "union", "mod"];
/// Names of our methods that an interface of WASI prescribes.
const GIVEN: [&str; 2] = ["get_all", "get_directories"];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let rust = || sources.iter().filter(|source| source.is_rust());
    rust().filter_map(file_name).chain(rust().flat_map(declared)).collect()
}

fn file_name(source: &Source) -> Option<Finding> {
    let word = source.path.split(['/', '.', '-', '_']).find_map(says_nothing)?;
    Some(Finding::new(source, 1, format!("`{word}` in a file name says nothing; name its content")))
}

fn declared(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in lines(&code(&source.text)) {
        let pairs = words(text).zip(words(text).skip(1));
        for (keyword, name) in pairs {
            if TYPES.contains(&keyword) && parts(name).iter().any(|part| says_nothing(part).is_some()) {
                findings.push(Finding::new(
                    source,
                    line,
                    format!("`{name}`: this name says nothing; name its purpose"),
                ));
            }
            if keyword == "fn" && name.starts_with("get_") && !GIVEN.contains(&name) {
                findings.push(Finding::new(source, line, format!("`{name}`: remove the prefix `get_`")));
            }
        }
    }
    findings
}

/// The banned word that `part` is, in singular or plural.
fn says_nothing(part: &str) -> Option<&'static str> {
    let part = part.to_lowercase();
    let one = part.strip_suffix('s').unwrap_or(&part);
    EMPTY.into_iter().find(|word| *word == one || *word == part)
}

/// The parts `foo` and `bar` of `FooBar` and `foo_bar`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in name.chars() {
        if c.is_uppercase() || c == '_' {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c != '_') {
            part.extend(c.to_lowercase());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    #[test]
    fn files_are_named_after_their_content() {
        for path in ["host/a/src/utils.rs", "host/a/src/common/x.rs", "host/a/src/session_manager.rs"] {
            assert_eq!(check(&[source(path, "")]).len(), 1, "{path}");
        }
        assert!(check(&[source("host/a/src/futile.rs", ""), source("docs/common.md", "")]).is_empty());
    }

    #[test]
    fn types_are_named_after_their_purpose() {
        for text in ["struct KeyManager;", "pub enum Utils {}", "trait ServiceLike {}", "mod helpers;"] {
            assert_eq!(check(&[source("a.rs", text)]).len(), 1, "{text}");
        }
        for text in ["struct Key;", "// struct KeyManager", "use tower::Service;", "struct Utility;"] {
            assert!(check(&[source("a.rs", text)]).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_getter_with_a_prefix_is_found() {
        let text = "fn ok() {}\npub(crate) fn get_key(&self) {}";
        assert_eq!(said(check, &[source("a.rs", text)]), ["a.rs:2: `get_key`: remove the prefix `get_`"]);
        assert!(check(&[source("a.rs", "map.get_mut(1)")]).is_empty());
        assert!(check(&[source("a.rs", "async fn get_all(&mut self) {}")]).is_empty());
    }
}

//! House rules that clippy cannot check. Each finding is printed as `path:line: message`.

mod crates;
mod cycles;
mod english;
mod gates;
mod imports;
mod length;
mod light;
mod links;
mod markers;
mod names;
mod rooms;
mod threats;

use std::fmt;

use anyhow::{Result, bail};

use crate::source::{Source, sources};

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    /// `line` counts from 1.
    fn new(source: &Source, line: usize, message: impl Into<String>) -> Self {
        Self { path: source.path.clone(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    for long in length::warnings(&sources) {
        println!("warning: {long}");
    }
    let mut findings = check(&sources);
    findings.extend(light::check(&sources)?);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 house rule is broken"),
        n => bail!("house rules are broken in {n} places"),
    }
}

fn check(sources: &[Source]) -> Vec<Finding> {
    let checks = [
        length::check,
        gates::check,
        threats::check,
        crates::check,
        rooms::check,
        cycles::check,
        markers::check,
        names::check,
        links::check,
        english::check,
    ];
    let mut findings: Vec<Finding> = checks.iter().flat_map(|check| check(sources)).collect();
    findings.sort();
    findings
}

/// The lines of a text, counted from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// Letters, digits and `_` in a row.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// The findings of a check as they are printed.
    pub(crate) fn said(check: fn(&[Source]) -> Vec<Finding>, sources: &[Source]) -> Vec<String> {
        check(sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn findings_of_all_rules_are_sorted() {
        let sources = [source("b.rs", "fn get_b() {}\n"), source("a.rs", "\nfn get_a() {}\n")];
        let found: Vec<String> = check(&sources).iter().map(|f| format!("{}:{}", f.path, f.line)).collect();
        assert_eq!(found, ["a.rs:2", "b.rs:1"]);
    }
}

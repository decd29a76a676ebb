//! Runs the benches and writes their results to `docs/benchmarks.md`.

mod machine;
mod measured;
mod table;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::source::root;
use measured::Measured;

const PAGE: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- begin: cargo xtask bench -->";
const END: &str = "<!-- end: cargo xtask bench -->";

/// Writes `date` under the numbers as it is, or the date of today.
pub(crate) fn run(date: Option<String>) -> Result<()> {
    let date = date.map_or_else(machine::today, Ok)?;
    let results = root().join("target/bench");
    // Results of an earlier run must not mix with those of this one.
    if results.exists() {
        fs::remove_dir_all(&results).context("cannot remove the results of the last run")?;
    }
    bench(&results, &["--no-run"])?;
    // A busy machine makes bad numbers, so readers are told of its load.
    let load = machine::load().unwrap_or_else(|| "unknown".to_owned());
    bench(&results, &[])?;
    let measured = |id: &str| Measured::read(&results, id);
    let machine = machine::line(&date)?;
    let text = format!("{machine} Load before: {load}.\n\n{}", table::tables(&measured)?);
    println!("\n{text}");
    let page = root().join(PAGE);
    let before = fs::read_to_string(&page).with_context(|| format!("cannot read {PAGE}"))?;
    fs::write(&page, between_marks(&before, &text)?).with_context(|| format!("cannot write {PAGE}"))
}

/// Runs one command, so that a floor and the rows compared with it are measured within the same minutes. Naming the
/// crate of the command line builds the dependencies with the features of a release.
fn bench(results: &Path, more: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .args(["bench", "-p", "coworker-cli"])
        .args(["-p", "coworker-agent", "-p", "coworker-net", "-p", "coworker-sandbox"])
        .args(["--bench", "warm_call", "--bench", "echo", "--bench", "call"])
        .args(more)
        .env("CRITERION_HOME", results)
        .current_dir(root())
        .status()
        .context("cannot start cargo bench")?;
    ensure!(status.success(), "`cargo bench` ended with {status}");
    Ok(())
}

/// The page with everything between the two marks replaced.
fn between_marks(page: &str, text: &str) -> Result<String> {
    let (head, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE} lacks `{BEGIN}`"))?;
    let (_, tail) = rest.split_once(END).with_context(|| format!("{PAGE} lacks `{END}`"))?;
    Ok(format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let page = format!("# Head\n\n{BEGIN}\nold\n{END}\n\nTail\n");
        let replaced = between_marks(&page, "new\n").unwrap();
        assert_eq!(replaced, format!("# Head\n\n{BEGIN}\n\nnew\n\n{END}\n\nTail\n"));
        assert_eq!(between_marks(&replaced, "new").unwrap(), replaced);
    }

    #[test]
    fn a_page_without_marks_is_refused() {
        assert!(between_marks("# Head\n", "new").is_err());
        assert!(between_marks(&format!("{END}{BEGIN}"), "new").is_err());
    }
}

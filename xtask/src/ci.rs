//! The whole check, one step after another; the first failure ends it.

mod deny;
mod step;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::corpus::corpus;
use crate::languages::languages;
use crate::source::root;
use crate::tidy;
pub(crate) use step::{run, step};

/// The tests come last, so that the last lines say how many ran.
pub(crate) fn ci() -> Result<()> {
    step("fmt", || run(&mut cargo(["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run)?;
    step("skills", || run(xtask()?.args(["skills", "--check"])))?;
    step("deny", deny::check)?;
    step("clippy", clippy)?;
    step("doc tests", || run(&mut cargo(["test", "--quiet", "--doc", "--workspace"])))?;
    step("corpus", || corpus(&root(), false))?;
    step("languages", other_languages)?;
    println!("\n== tests");
    test(&[]).context("step `tests` failed")
}

/// Their tools are no part of what a user needs: where they are missing the rest is still worth checking. CI has them.
fn other_languages() -> Result<()> {
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let tools = starts("python3", &["-c", "import ensurepip, venv"]) && starts("npm", &["--version"]);
    if !(in_ci || tools) {
        println!(
            "skipped: python3 with venv, or Node.js with npm, is not installed (on Debian `.ci/run` does it)"
        );
        return Ok(());
    }
    languages(&root(), &[])
}

fn starts(program: &str, args: &[&str]) -> bool {
    let quiet = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn clippy() -> Result<()> {
    run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // No test by itself, so not among all targets.
    run(&mut cargo(["clippy", "--workspace", "--test", "languages", "--", "-D", "warnings"]))
}

/// The tests, with nextest where it is installed.
pub(crate) fn test(args: &[String]) -> Result<()> {
    if installed("nextest") {
        return run(cargo(["nextest", "run", "--workspace"]).args(args));
    }
    println!("cargo-nextest is not installed; `cargo test` runs instead");
    let mut child = cargo(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let mut total = Total::default();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.context("cannot read what cargo test prints")?;
        println!("{line}");
        total.add(&line);
    }
    let status = child.wait()?;
    println!("{} tests run: {} passed, {} failed", total.passed + total.failed, total.passed, total.failed);
    if status.success() { Ok(()) } else { bail!("`cargo test` ended with {status}") }
}

/// What the lines `test result: …` of all test binaries add up to.
#[derive(Default, Debug, PartialEq)]
struct Total {
    passed: usize,
    failed: usize,
}

impl Total {
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let count = |what: &str| {
            let before = result.split(what).next()?.trim_end();
            before.rsplit(' ').next()?.parse::<usize>().ok()
        };
        self.passed += count("passed").unwrap_or(0);
        self.failed += count("failed").unwrap_or(0);
    }
}

pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// This program again, for a task that is another module's.
fn xtask() -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.current_dir(root()).stdin(Stdio::null());
    Ok(command)
}

fn installed(subcommand: &str) -> bool {
    cargo([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_added_up() {
        let mut total = Total::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            total.add(line);
        }
        assert_eq!(total, Total { passed: 15, failed: 2 });
    }
}

//! The whole check, one step after another. The first failure ends it.

mod deny;
mod step;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::languages::languages;
use crate::source::root;
use crate::{skills, tidy};
pub(crate) use step::{run, step};

/// The order puts quick steps first, and the tests last: the final lines say how many ran. All steps from `build` on
/// share one build, with the features of the whole workspace.
pub(crate) fn ci() -> Result<()> {
    // The last step needs it, so it must not be missing after an hour.
    require_nextest()?;
    step("fmt", || run(&mut cargo(["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run)?;
    step("skills", || skills::check(&root()))?;
    step("deny", deny::check)?;
    step("clippy", clippy)?;
    step("build", || run(&mut cargo(["nextest", "run", "--workspace", "--no-run"])))?;
    step("demo", || run(Command::new(coworker()).arg("demo").stdin(Stdio::null())))?;
    step("doc tests", || run(&mut cargo(["test", "--quiet", "--doc", "--workspace"])))?;
    step("languages", other_languages)?;
    println!("\n== tests");
    test(&[]).context("step `tests` failed")
}

/// Skips the step on a developer's machine without the tools, because users do not need them. CI must have them.
fn other_languages() -> Result<()> {
    let tools = starts("python3", &["-c", "import ensurepip, venv"]) && starts("npm", &["--version"]);
    if !(in_ci() || tools) {
        println!(
            "skipped: install python3 with venv and Node.js with npm (on Debian `.ci/run` installs them)"
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
    // Its manifest excludes it from the tests, and so from all targets.
    run(&mut cargo(["clippy", "--workspace", "--test", "languages", "--", "-D", "warnings"]))?;
    // As users build it: without the features that other members of the workspace add to its dependencies.
    run(&mut cargo(["check", "--locked", "--package", "coworker-cli"]))
}

/// Runs the tests alone.
pub(crate) fn test(args: &[String]) -> Result<()> {
    require_nextest()?;
    run(cargo(["nextest", "run", "--workspace"]).args(args))
}

/// The test runner, pinned so that every machine has the same one.
const NEXTEST: &str = "cargo-nextest@0.9.143";

/// Builds cargo-nextest into `target/tools` if it is not installed, so that the tests need no set-up of their own.
fn require_nextest() -> Result<()> {
    if installed("nextest") {
        return Ok(());
    }
    println!("cargo-nextest is not installed; building it into target/tools, once");
    let tools = root().join(TOOLS);
    let mut install = cargo(["install", "--quiet", "--locked", NEXTEST, "--no-default-features"]);
    // Its own release profile takes half as long again to build, and it runs for seconds here.
    install.args(["--features", "default-no-update", "--root"]).arg(tools).envs([
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ]);
    run(&mut install).context("cannot build cargo-nextest; try `cargo install --locked cargo-nextest`")
}

/// The folder of tools that this program builds for itself.
const TOOLS: &str = "target/tools";

/// Whether CI runs this, as `CI=true` says.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    // Cargo looks for its subcommands along the path. It stays as it is without need: build scripts depend on it.
    let (path, tools) = (std::env::var_os("PATH").unwrap_or_default(), root().join(TOOLS).join("bin"));
    let with_tools = std::env::split_paths(&path).chain([tools.clone()]);
    if tools.is_dir()
        && let Ok(path) = std::env::join_paths(with_tools)
    {
        command.env("PATH", path);
    }
    command
}

/// The command line's program of a debug build.
pub(crate) fn coworker() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    // Cargo takes a relative path from the folder that it runs in.
    root().join(target).join("debug/coworker")
}

fn installed(subcommand: &str) -> bool {
    cargo([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

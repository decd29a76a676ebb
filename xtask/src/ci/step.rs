use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Runs one step under a heading and prints how long it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    #[allow(clippy::disallowed_methods, reason = "a developer wants to know which step is slow")]
    let start = Instant::now();
    work().with_context(|| format!("step `{name}` failed"))?;
    println!("{name}: ok, {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if status.success() { Ok(()) } else { bail!("`{shown}` ended with {status}") }
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let mut shown = program.rsplit('/').next().unwrap_or_default().to_owned();
    for arg in command.get_args() {
        shown.push(' ');
        shown.push_str(&arg.to_string_lossy());
    }
    shown
}

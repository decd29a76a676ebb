use std::process::Command;
use std::{fs, thread};

use anyhow::{Context, Result, ensure};

/// Describes the machine that the numbers were measured on, in one line.
pub(super) fn line(date: &str) -> Result<String> {
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = model(&processors).unwrap_or("unknown processor");
    let rustc = output("rustc", &["--version"])?;
    Ok(format!("Measured on {date}: {cores} cores of {processor}, {rustc}."))
}

/// The load average of the last minute: less than 1 on a machine at rest.
pub(super) fn load() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split(' ').next().map(str::to_owned)
}

/// The date in UTC.
pub(super) fn today() -> Result<String> {
    output("date", &["-u", "+%F"])
}

fn model(processors: &str) -> Option<&str> {
    let (_, model) = processors.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(model.trim())
}

fn output(program: &str, args: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(args).output().with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "`{program}` ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_read_from_cpuinfo() {
        assert_eq!(model("processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n"), Some("AMD EPYC"));
        assert_eq!(model("processor: 0"), None);
    }
}

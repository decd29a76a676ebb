//! Licences, bans, sources and, where their database can be reached, advisories.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};

use super::step::run;
use super::{cargo, installed};

const DATABASE: &str = "https://github.com/rustsec/advisory-db";
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

pub(super) fn check() -> Result<()> {
    if !installed("deny") {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            bail!("cargo-deny is missing: cargo install --locked cargo-deny@0.20.2");
        }
        println!("skipped: cargo-deny is not installed (cargo install --locked cargo-deny@0.20.2)");
        return Ok(());
    }
    run(&mut cargo(["deny", "check", "bans", "licenses", "sources"]))?;
    if reachable() {
        return run(&mut cargo(["deny", "check", "advisories"]));
    }
    println!("skipped: advisories, because {DATABASE} cannot be reached");
    Ok(())
}

/// Without a network git may wait for minutes, so it is given seconds.
fn reachable() -> bool {
    let started = Command::new("git")
        .args(["ls-remote", DATABASE, "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut git) = started else { return false };
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        match git.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => sleep(POLL),
            Err(_) => return false,
        }
        waited += POLL;
    }
    // Both fail only when git has ended already, which is what they are for.
    let _ = git.kill().and_then(|()| git.wait());
    false
}

//! Licences, bans, sources and, if their database can be reached, advisories.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};

use super::step::run;
use super::{cargo, in_ci, installed};

const DATABASE: &str = "https://github.com/rustsec/advisory-db";
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
const INSTALL: &str = "cargo install --locked cargo-deny@0.20.2";

pub(super) fn check() -> Result<()> {
    if !installed("deny") {
        if in_ci() {
            bail!("cargo-deny is missing; install it with `{INSTALL}`");
        }
        println!("skipped: cargo-deny is not installed (`{INSTALL}`)");
        return Ok(());
    }
    if reachable() {
        return run(&mut cargo(["deny", "check", "bans", "licenses", "sources", "advisories"]));
    }
    println!("skipped: advisories, because {DATABASE} cannot be reached");
    run(&mut cargo(["deny", "check", "bans", "licenses", "sources"]))
}

/// Gives git seconds: without a network it may wait for minutes.
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
    while waited < TIMEOUT {
        match git.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => sleep(POLL),
            Err(_) => return false,
        }
        waited += POLL;
    }
    // Both fail only if git has ended by itself.
    let _ = git.kill().and_then(|()| git.wait());
    false
}

//! Two agents behind two NATs and a relay, in network namespaces of this machine.
//!
//! Needs root (namespaces), `ip` (iproute2) and `nft` (nftables); `tc` adds delay where the kernel can. A machine
//! that forbids namespaces, as many CI machines do, cannot run it: then the relay and door tests of `host/net`,
//! which run on loopback, are what there is.

mod peers;
mod story;
mod world;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::source::root;
use story::{CASES, Case};

/// `only`: cases whose name contains it.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    for (tool, of) in [("ip", "iproute2"), ("nft", "nftables")] {
        let found = Command::new(tool).arg("-V").output().is_ok_and(|output| output.status.success());
        ensure!(found, "`{tool}` is missing: install {of}");
    }
    ensure!(world::allowed(), "network namespaces are not allowed here: they take root");
    let cases: Vec<&Case> =
        CASES.iter().filter(|case| only.is_none_or(|only| case.name.contains(only))).collect();
    ensure!(!cases.is_empty(), "no such case; there are: {}", CASES.map(|case| case.name).join(", "));
    let coworker = build()?;
    let mut failed = Vec::new();
    for case in cases {
        println!("{}: {}", case.name, case.what);
        match story::tell(case, &coworker) {
            Ok(found) => println!("  ok: {found}"),
            Err(error) => {
                println!("  FAILED: {error:#}");
                failed.push(case.name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The real thing: relay, agents and the commands to them.
fn build() -> Result<PathBuf> {
    let build = ["build", "-p", "coworker-cli", "--bin", "coworker"];
    let status = Command::new("cargo").args(build).current_dir(root()).status();
    ensure!(status.context("cannot start cargo build")?.success(), "cargo build failed");
    Ok(root().join("target/debug/coworker"))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

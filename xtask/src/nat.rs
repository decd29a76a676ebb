//! Two agents behind two NATs and a relay, in network namespaces of this machine.
//!
//! Needs root (namespaces), `ip` (iproute2) and `nft` (nftables); `tc` adds delay where the kernel can. A machine
//! that forbids namespaces, as many CI machines do, cannot run it: then the relay and door tests of `host/net`,
//! which run on loopback, are what there is.

mod peers;
mod story;
mod world;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::source::root;
use story::{CASES, Case};

/// What the cases run: the real relay, and two agents as far as the network sees them.
struct Programs {
    coworker: std::path::PathBuf,
    peer: std::path::PathBuf,
}

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
    let programs = build()?;
    let mut failed = Vec::new();
    for case in cases {
        println!("{}: {}", case.name, case.what);
        match story::tell(case, &programs) {
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

fn build() -> Result<Programs> {
    let builds: [&[&str]; 2] =
        [&["-p", "coworker-net", "--example", "peer"], &["-p", "coworker-cli", "--bin", "coworker"]];
    for what in builds {
        let status = Command::new("cargo").arg("build").args(what).current_dir(root()).status();
        ensure!(status.context("cannot start cargo build")?.success(), "cargo build failed");
    }
    let built = root().join("target/debug");
    Ok(Programs { coworker: built.join("coworker"), peer: built.join("examples/peer") })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

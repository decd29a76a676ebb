//! Tests two agents behind two NATs and a relay, in network namespaces of this machine.
//!
//! Needs root for the namespaces, `ip` (iproute2) and `nft` (nftables). `tc` adds delay if the kernel can. Many CI
//! machines forbid namespaces; there the tests of `host/net` cover relays and endpoints on loopback.

mod agents;
mod cases;
mod network;

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::ci::{cargo, coworker, run as checked};
use cases::{CASES, Case};

/// Runs the cases whose name contains `only`, or all.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    for (tool, package) in [("ip", "iproute2"), ("nft", "nftables")] {
        let found = Command::new(tool).arg("-V").output().is_ok_and(|output| output.status.success());
        ensure!(found, "`{tool}` is missing; install {package}");
    }
    ensure!(network::allowed(), "this process must not create network namespaces; run it as root");
    let cases: Vec<&Case> =
        CASES.iter().filter(|case| only.is_none_or(|only| case.name.contains(only))).collect();
    ensure!(
        !cases.is_empty(),
        "there is no such case; the cases are {}",
        CASES.map(|case| case.name).join(", ")
    );
    checked(&mut cargo(["build", "-p", "coworker-cli", "--bin", "coworker"]))?;
    let coworker = coworker();
    let mut failed = Vec::new();
    for case in cases {
        println!("{}: {}", case.name, case.about);
        match cases::run(case, &coworker) {
            Ok(result) => println!("  ok: {result}"),
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

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

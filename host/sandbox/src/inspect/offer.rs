//! The interfaces that this host offers, and the power that each stands for.

use coworker_policy::Capability;

use super::{BadComponent, Import};

/// Takes a component's import, or says why it cannot be met.
pub(super) fn import(name: String) -> Result<Import, BadComponent> {
    match offered(&name) {
        Ok(capability) => Ok(Import { name, capability }),
        Err(hint) => Err(BadComponent::UnknownImport { name, hint }),
    }
}

fn offered(name: &str) -> Result<Option<Capability>, &'static str> {
    const OURS: &str = "it offers call and log of coworker:skill@0.1";
    const WASI: &str = "of WASI it offers 0.2: io, clocks, random, cli, filesystem and sockets";
    const OTHER: &str = "it offers coworker:skill and WASI 0.2; import nothing else";
    let Some((interface, version)) = name.split_once('@') else { return Err(OTHER) };
    let Some((package, interface)) = interface.split_once('/') else { return Err(OTHER) };
    if package == "coworker:skill" {
        return if same_track(version, "0.1.") { ours(interface).ok_or(OURS) } else { Err(OURS) };
    }
    let Some(wasi) = package.strip_prefix("wasi:") else { return Err(OTHER) };
    if same_track(version, "0.2.") { standard(wasi, interface).ok_or(WASI) } else { Err(WASI) }
}

/// Before 1.0, versions with the same minor number are compatible.
fn same_track(version: &str, track: &str) -> bool {
    version
        .strip_prefix(track)
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

fn ours(interface: &str) -> Option<Option<Capability>> {
    Some(match interface {
        "call" => Some(Capability::Call),
        "log" => Some(Capability::Log),
        "types" => None,
        _ => return None,
    })
}

fn standard(package: &str, interface: &str) -> Option<Option<Capability>> {
    Some(match (package, interface) {
        ("clocks", "wall-clock" | "monotonic-clock") => Some(Capability::Clocks),
        ("random", "random" | "insecure" | "insecure-seed") => Some(Capability::Random),
        ("cli", "stdout" | "stderr") => Some(Capability::Log),
        ("filesystem", "types" | "preopens") => Some(Capability::Files),
        ("io", "error" | "poll" | "streams")
        | ("cli", "environment" | "exit" | "stdin" | "terminal-input" | "terminal-output")
        | ("cli", "terminal-stdin" | "terminal-stdout" | "terminal-stderr")
        // Present because standard libraries import them; there is no network behind them.
        | ("sockets", "network" | "instance-network" | "ip-name-lookup")
        | ("sockets", "tcp" | "tcp-create-socket" | "udp" | "udp-create-socket") => None,
        _ => return None,
    })
}

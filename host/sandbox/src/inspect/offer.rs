//! The interfaces that this host offers.

use coworker_policy::Capability;

use crate::bad_component::BadComponent;

/// An interface that a component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Such as `coworker:skill/log@0.1.0`.
    pub name: String,
    /// The capability that it stands for, if any.
    pub capability: Option<Capability>,
}

/// The interfaces that `capability::link` links.
const OFFERED: [&str; 36] = [
    "coworker:skill/call",
    "coworker:skill/llm",
    "coworker:skill/log",
    "coworker:skill/peers",
    "coworker:skill/types",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:config/store",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:keyvalue/store",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    // Standard libraries import sockets. None of these reaches a network.
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Checks that the host offers an import.
pub(super) fn import(name: String) -> Result<Import, BadComponent> {
    let (interface, version) = name.split_once('@').unwrap_or((&name, ""));
    if OFFERED.contains(&interface) && compatible(interface, version) {
        let capability = Capability::of_import(&name);
        Ok(Import { name, capability })
    } else {
        let hint = hint(interface);
        Err(BadComponent::UnknownImport { name, hint })
    }
}

/// Before 1.0, versions with the same minor number are compatible. A draft is compatible only with itself.
fn compatible(interface: &str, version: &str) -> bool {
    match interface {
        "wasi:config/store" => return version == "0.2.0-rc.1",
        "wasi:keyvalue/store" => return version == "0.2.0-draft",
        _ => {}
    }
    let track = if interface.starts_with("wasi:") { "0.2." } else { "0.1." };
    let patch = version.strip_prefix(track).unwrap_or_default();
    !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit())
}

fn hint(interface: &str) -> &'static str {
    if interface.starts_with("wasi:") {
        "it offers these parts of WASI 0.2: io, clocks, random, cli, filesystem, sockets, http's outgoing \
         handler, config/store@0.2.0-rc.1 and keyvalue/store@0.2.0-draft"
    } else if interface.starts_with("coworker:skill/") {
        "it offers call, llm, log and peers of coworker:skill 0.1"
    } else {
        "it offers coworker:skill 0.1 and WASI 0.2, so import nothing else"
    }
}

//! Two machines, as far as one can have them on one: a network namespace each and a cable between.

use std::process::{Command, Stdio};

use crate::stage::{Place, Stage};

/// Two namespaces and the cable; gone when dropped.
struct Cable {
    names: [String; 2],
}

impl Cable {
    /// An error says why this machine cannot have it.
    fn lay() -> Result<Self, String> {
        let cable = Self { names: ["a", "b"].map(|end| format!("cw-{}-{end}", std::process::id())) };
        let [a, b] = &cable.names;
        ip(&["netns", "add", a])?;
        ip(&["netns", "add", b])?;
        ip(&["link", "add", "cable", "netns", a, "type", "veth", "peer", "name", "cable", "netns", b])?;
        for (name, address) in [(a, "10.77.0.1/24"), (b, "10.77.0.2/24")] {
            ip(&["-n", name, "address", "add", address, "dev", "cable"])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
            ip(&["-n", name, "link", "set", "cable", "up"])?;
            ip(&["-n", name, "route", "add", "224.0.0.0/4", "dev", "cable"])?;
            ip(&["netns", "exec", name, "true"])?;
        }
        Ok(cable)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The cable goes with its ends. A namespace that was never made cannot be deleted.
        for name in &self.names {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let run = Command::new("ip").args(words).stdin(Stdio::null()).output();
    let output = run.map_err(|error| format!("no `ip`: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("ip {}: {}", words.join(" "), said.trim())) }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot be run here says so")]
fn two_machines_find_each_other_by_the_invite_code_alone() {
    let cable = match Cable::lay() {
        Ok(cable) => cable,
        Err(why) => {
            eprintln!("skipped: no network namespaces here: {why}");
            return;
        }
    };
    let stage = Stage::new();
    let [ada, bob] = ["ada", "bob"].map(|name| {
        let at = &cable.names[usize::from(name == "bob")];
        stage.agent_at(name, Place::Namespace(at))
    });
    ada.installs("redact", Some("known"));
    let serving = [ada.serve(), bob.serve()];
    let addresses = serving[0].ready["addresses"].to_string();
    assert!(addresses.contains("10.77.0.1"), "{addresses}");

    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    let called = bob.does(&["call", "ada", "redact", r#"{"text": "Call +44 20 7946 0958 now."}"#]);
    assert_eq!(called["output"]["text"], "Call [phone] now.", "{called}");
    let log = ada.does(&["audit", "log", "--skill", "redact", "--peer", "bob"]);
    assert_eq!(log["entries"][0]["permit"]["tier"], "known", "{log}");
    assert_eq!(log["entries"][0]["detail"]["outcome"], "ok", "{log}");
}

//! Two hosts, each behind a NAT, and between the NATs a public segment with the relay.

use std::process::{Command, Stdio, id};

use anyhow::{Context as _, Result, ensure};

/// The relay's address.
pub(super) const RELAY: &str = "198.51.100.1";

/// The namespaces: the public segment, and for each side a NAT and a host.
const NAMESPACES: [&str; 5] = ["pub", "natA", "natB", "hostA", "hostB"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nat {
    /// Keeps one port for all peers of a socket, so that both sides can punch a hole.
    Cone,
    /// Picks a random port for each peer of a socket, so that nobody can predict it.
    Symmetric,
    /// Lets no UDP out.
    NoUdp,
}

/// The namespaces of one case. Dropping it removes them.
pub(super) struct Network {
    prefix: String,
}

/// Whether this process may create namespaces.
pub(super) fn allowed() -> bool {
    let name = format!("cwt{}", id());
    let made = ip(&["netns", "add", &name]).is_ok();
    if made {
        // A leftover does no harm.
        drop(ip(&["netns", "del", &name]));
    }
    made
}

impl Network {
    pub(super) fn new(nat: Nat) -> Result<Self> {
        let network = Self { prefix: format!("cw{}", id()) };
        network.clear();
        for short in NAMESPACES {
            ip(&["netns", "add", &network.name(short)])?;
            network.ip(short, "link set lo up")?;
        }
        network.ip("pub", "link add br0 type bridge")?;
        network.ip("pub", "link set br0 up")?;
        network.ip("pub", &format!("addr add {RELAY}/24 dev br0"))?;
        for (side, number) in [("A", 1), ("B", 2)] {
            network.side(side, number, nat)?;
        }
        Ok(network)
    }

    fn side(&self, side: &str, number: u8, nat: Nat) -> Result<()> {
        let (router, host) = (format!("nat{side}"), format!("host{side}"));
        self.ip(&router, &format!("link add out type veth peer name p{side} netns {}", self.name("pub")))?;
        self.ip(&router, &format!("link add in type veth peer name eth0 netns {}", self.name(&host)))?;
        self.ip("pub", &format!("link set p{side} master br0 up"))?;
        self.ip(&router, &format!("addr add 198.51.100.1{number}/24 dev out"))?;
        self.ip(&router, &format!("addr add 10.77.{number}.1/24 dev in"))?;
        self.ip(&router, "link set out up")?;
        self.ip(&router, "link set in up")?;
        self.ip(&host, &format!("addr add 10.77.{number}.2/24 dev eth0"))?;
        self.ip(&host, "link set eth0 up")?;
        self.ip(&host, &format!("route add default via 10.77.{number}.1"))?;
        self.run(&router, &["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])?;
        self.run(&router, &["nft", &rules(nat)])?;
        // Without netem in the kernel, the paths are only faster.
        drop(self.run(&router, &["tc", "qdisc", "add", "dev", "out", "root", "netem", "delay", "10ms"]));
        Ok(())
    }

    /// Runs an `ip` command in one namespace.
    pub(super) fn ip(&self, short: &str, words: &str) -> Result<()> {
        let name = self.name(short);
        let mut all = vec!["-n", &name];
        all.extend(words.split_whitespace());
        ip(&all)
    }

    /// Changes the address and the route of host A, as on another network behind the same NAT.
    pub(super) fn move_host(&self) -> Result<()> {
        self.ip("hostA", "addr flush dev eth0")?;
        self.ip("hostA", "addr add 10.77.1.99/24 dev eth0")?;
        self.ip("hostA", "route add default via 10.77.1.1")
    }

    /// A command that starts a program in one namespace.
    pub(super) fn command(&self, short: &str, program: &std::path::Path) -> Command {
        Self::at(&self.name(short), program)
    }

    /// A command that starts a program in the namespace with this [full name](Self::name).
    pub(super) fn at(name: &str, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        // `ip` replaces itself with the program, so the child is the program.
        command.args(["netns", "exec", name]).arg(program);
        command
    }

    fn run(&self, short: &str, words: &[&str]) -> Result<()> {
        let [program, words @ ..] = words else { return Ok(()) };
        let mut command = self.command(short, program.as_ref());
        checked(command.args(words))
    }

    pub(super) fn name(&self, short: &str) -> String {
        format!("{}{short}", self.prefix)
    }

    fn clear(&self) {
        for short in NAMESPACES {
            // Fails for a namespace that was never created.
            drop(ip(&["netns", "del", &self.name(short)]));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.clear();
    }
}

fn rules(nat: Nat) -> String {
    let ports = if nat == Nat::Symmetric { "fully-random" } else { "" };
    let udp = if nat == Nat::NoUdp { "iifname \"in\" meta l4proto udp drop;" } else { "" };
    format!(
        "table ip home {{
            chain leave {{ type nat hook postrouting priority 100; oifname \"out\" masquerade {ports}; }}
            chain pass {{
                type filter hook forward priority 0; policy drop;
                {udp} ct state established,related accept; iifname \"in\" accept;
            }}
            chain arrive {{
                type filter hook input priority 0; policy accept;
                iifname \"out\" ct state new drop;
            }}
        }}"
    )
}

fn ip(words: &[&str]) -> Result<()> {
    checked(Command::new("ip").args(words))
}

fn checked(command: &mut Command) -> Result<()> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", errors.trim());
    Ok(())
}

//! Two hosts, a NAT before each, and a public segment between the NATs where the relay is.

use std::process::{Command, Stdio, id};

use anyhow::{Context as _, Result, ensure};

/// The relay's address.
pub(super) const RELAY: &str = "198.51.100.1";

/// The namespaces: the public segment, and a NAT and a host for each side.
const PLACES: [&str; 5] = ["pub", "natA", "natB", "hostA", "hostB"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nat {
    /// Keeps a socket's port for all it talks to, so that both sides can punch.
    Cone,
    /// Another random port for each whom a socket talks to, so that nobody can say where it will be.
    Symmetric,
    /// Lets no UDP out at all.
    NoUdp,
}

/// Everything is undone when dropped.
pub(super) struct World {
    prefix: String,
}

/// Whether this process may make namespaces.
pub(super) fn allowed() -> bool {
    let name = format!("cwt{}", id());
    let made = ip(&["netns", "add", &name]).is_ok();
    if made {
        // Nothing hangs on it if it stays.
        drop(ip(&["netns", "del", &name]));
    }
    made
}

impl World {
    pub(super) fn new(nat: Nat) -> Result<Self> {
        let world = Self { prefix: format!("cw{}", id()) };
        world.clear();
        for place in PLACES {
            ip(&["netns", "add", &world.name(place)])?;
            world.ip(place, "link set lo up")?;
        }
        world.ip("pub", "link add br0 type bridge")?;
        world.ip("pub", "link set br0 up")?;
        world.ip("pub", &format!("addr add {RELAY}/24 dev br0"))?;
        for (side, number) in [("A", 1), ("B", 2)] {
            world.side(side, number, nat)?;
        }
        Ok(world)
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
        // Not every kernel has netem; without it the paths are merely faster.
        drop(self.run(&router, &["tc", "qdisc", "add", "dev", "out", "root", "netem", "delay", "10ms"]));
        Ok(())
    }

    /// An `ip` command in one place.
    pub(super) fn ip(&self, place: &str, words: &str) -> Result<()> {
        let name = self.name(place);
        let mut all = vec!["-n", &name];
        all.extend(words.split_whitespace());
        ip(&all)
    }

    /// Host A's address and way out become others, as on another network behind the same NAT.
    pub(super) fn move_host(&self) -> Result<()> {
        self.ip("hostA", "addr flush dev eth0")?;
        self.ip("hostA", "addr add 10.77.1.99/24 dev eth0")?;
        self.ip("hostA", "route add default via 10.77.1.1")
    }

    /// A program that is to be started in one place.
    pub(super) fn command(&self, place: &str, program: &std::path::Path) -> Command {
        Self::at(&self.name(place), program)
    }

    /// The same by the [name](Self::name) of a place.
    pub(super) fn at(name: &str, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        // `ip` replaces itself by the program, so that the child is the program.
        command.args(["netns", "exec", name]).arg(program);
        command
    }

    fn run(&self, place: &str, words: &[&str]) -> Result<()> {
        let [program, words @ ..] = words else { return Ok(()) };
        let mut command = self.command(place, program.as_ref());
        checked(command.args(words))
    }

    pub(super) fn name(&self, place: &str) -> String {
        format!("{}{place}", self.prefix)
    }

    fn clear(&self) {
        for place in PLACES {
            // What was never made cannot be removed.
            drop(ip(&["netns", "del", &self.name(place)]));
        }
    }
}

impl Drop for World {
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
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}

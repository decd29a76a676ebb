//! The cases, and the results that each must have.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::agents::{Agent, Pinged, Pinger, Running, Setup, now};
use super::network::{Nat, Network};
use super::seconds;
use crate::source::root;

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    nat: Nat,
    check: fn(&mut Scene<'_>) -> Result<String>,
}

pub(super) const CASES: [Case; 7] = [
    Case { name: "cone", about: "both NATs keep ports: a direct path", nat: Nat::Cone, check: goes_direct },
    Case {
        name: "symmetric",
        about: "both NATs pick ports: the relay",
        nat: Nat::Symmetric,
        check: stays_relayed,
    },
    Case { name: "udp", about: "no UDP at all: the relay over TCP", nat: Nat::NoUdp, check: stays_relayed },
    Case {
        name: "relay-killed",
        about: "relayed, the relay dies and returns",
        nat: Nat::Symmetric,
        check: survives_relay,
    },
    Case { name: "relay-gone", about: "direct, the relay dies", nat: Nat::Cone, check: needs_no_relay },
    Case {
        name: "flapping",
        about: "direct, the link goes down and up",
        nat: Nat::Cone,
        check: survives_flapping,
    },
    Case {
        name: "moving",
        about: "direct, one host changes its address",
        nat: Nat::Cone,
        check: survives_move,
    },
];

struct Scene<'a> {
    setup: Setup<'a>,
    relay: Option<Running>,
    pinger: Pinger,
    _host: Agent,
}

pub(super) fn run(case: &Case, coworker: &Path) -> Result<String> {
    let network = Network::new(case.nat)?;
    let setup = Setup::new(&network, coworker, root().join("target/nat").join(case.name))?;
    let relay = Some(setup.relay()?);
    let host = setup.host()?;
    let pinger = setup.pinger(&host)?;
    (case.check)(&mut Scene { setup, relay, pinger, _host: host })
}

const SOON: Duration = Duration::from_secs(10);

impl Scene<'_> {
    fn watch(&self, limit: Duration) -> Result<Pinged> {
        self.pinger.watch(limit, |_| false)
    }

    /// Waits until a ping is answered, over a direct path if `direct`. Returns the time that this took.
    fn answered(&self, limit: Duration, direct: bool) -> Result<Duration> {
        let before = now();
        let seen =
            self.pinger.watch(limit, |seen| seen.pongs.last().is_some_and(|pong| pong.direct || !direct))?;
        let pong = seen.last()?;
        ensure!(pong.direct || !direct, "no direct path within {}", seconds(limit));
        Ok(pong.at.saturating_duration_since(before))
    }
}

fn goes_direct(scene: &mut Scene<'_>) -> Result<String> {
    let took = scene.answered(SOON, true)?;
    let after = scene.watch(Duration::from_secs(5))?;
    ensure!(after.pongs.iter().all(|pong| pong.direct), "the path did not stay direct");
    Ok(format!("direct after {}, and stays so", seconds(took)))
}

fn stays_relayed(scene: &mut Scene<'_>) -> Result<String> {
    let took = scene.answered(SOON, false)?;
    let after = scene.watch(Duration::from_secs(10))?;
    ensure!(after.pongs.len() >= 15, "only {} pings were answered", after.pongs.len());
    ensure!(
        after.pongs.iter().all(|pong| !pong.direct),
        "a direct path was found, but these NATs allow none"
    );
    ensure!(after.unanswered == 0, "{} pings were not answered", after.unanswered);
    Ok(format!(
        "first answer after {}, {} answers in 10 s through the relay",
        seconds(took),
        after.pongs.len()
    ))
}

fn survives_relay(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, false)?;
    scene.watch(Duration::from_secs(2))?;
    let mut results = Vec::new();
    for away in [1, 12] {
        scene.relay = None;
        sleep(Duration::from_secs(away));
        scene.relay = Some(scene.setup.relay()?);
        // Pings from before the relay's return do not count.
        scene.pinger.forget();
        let took = scene.answered(Duration::from_secs(30), false)?;
        ensure!(took < Duration::from_secs(20), "answered only {} after the relay was back", seconds(took));
        results.push(format!("{} after {away} s without relay", seconds(took)));
        scene.watch(Duration::from_secs(3))?;
    }
    Ok(format!("answers again {}", results.join(", ")))
}

fn needs_no_relay(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    scene.watch(Duration::from_secs(2))?;
    scene.relay = None;
    let seen = scene.watch(Duration::from_secs(15))?;
    ensure!(seen.unanswered == 0, "{} pings were not answered", seen.unanswered);
    ensure!(seen.longest_gap() < Duration::from_secs(2), "no answer for {}", seconds(seen.longest_gap()));
    Ok(format!("{} answers in 15 s without a relay", seen.pongs.len()))
}

fn survives_flapping(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    let mut took = Vec::new();
    for _ in 0..3 {
        scene.setup.network.ip("natA", "link set out down")?;
        sleep(Duration::from_secs(2));
        scene.setup.network.ip("natA", "link set out up")?;
        scene.pinger.forget();
        let again = scene.answered(Duration::from_secs(20), false)?;
        ensure!(again < SOON, "answered only {} after the link was back", seconds(again));
        took.push(seconds(again));
        scene.watch(Duration::from_secs(3))?;
    }
    scene.answered(Duration::from_mins(1), true)?;
    Ok(format!("answers again after {}; direct in the end", took.join(", ")))
}

fn survives_move(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    let session = scene.watch(Duration::from_secs(2))?.last()?.session.clone();
    scene.setup.network.move_host()?;
    let seen = scene.watch(Duration::from_secs(20))?;
    ensure!(seen.pongs.iter().all(|pong| pong.session == session), "the session is another one");
    let gap = seen.longest_gap();
    ensure!(gap < SOON, "no answer for {}", seconds(gap));
    scene.answered(Duration::from_mins(1), true)?;
    Ok(format!("the same session, at most {} without answer, direct again", seconds(gap)))
}

//! What happens in each case, and what must come of it.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::peers::{Agent, Heard, Running, Stage, Visitor, now};
use super::seconds;
use super::world::{Nat, World};
use crate::source::root;

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    nat: Nat,
    tell: fn(&mut Scene<'_>) -> Result<String>,
}

pub(super) const CASES: [Case; 7] = [
    Case { name: "cone", what: "both NATs keep ports: a direct path", nat: Nat::Cone, tell: goes_direct },
    Case {
        name: "symmetric",
        what: "both NATs pick ports: the relay",
        nat: Nat::Symmetric,
        tell: stays_relayed,
    },
    Case { name: "udp", what: "no UDP at all: the relay over TCP", nat: Nat::NoUdp, tell: stays_relayed },
    Case {
        name: "relay-killed",
        what: "relayed, the relay dies and returns",
        nat: Nat::Symmetric,
        tell: survives_relay,
    },
    Case { name: "relay-gone", what: "direct, the relay dies", nat: Nat::Cone, tell: needs_no_relay },
    Case {
        name: "flapping",
        what: "direct, the link goes down and up",
        nat: Nat::Cone,
        tell: survives_flapping,
    },
    Case {
        name: "moving",
        what: "direct, one host changes its address",
        nat: Nat::Cone,
        tell: survives_move,
    },
];

struct Scene<'a> {
    stage: Stage<'a>,
    relay: Option<Running>,
    visitor: Visitor,
    _host: Agent,
}

pub(super) fn tell(case: &Case, coworker: &Path) -> Result<String> {
    let world = World::new(case.nat)?;
    let stage = Stage::new(&world, coworker, root().join("target/nat").join(case.name))?;
    let relay = Some(stage.relay()?);
    let host = stage.host()?;
    let visitor = stage.visitor(&host)?;
    (case.tell)(&mut Scene { stage, relay, visitor, _host: host })
}

const SOON: Duration = Duration::from_secs(10);

impl Scene<'_> {
    fn hear(&self, limit: Duration) -> Result<Heard> {
        self.visitor.hear(limit, |_| false)
    }

    /// Until pings are answered over a direct path, or over any. How long it took.
    fn answered(&self, limit: Duration, direct: bool) -> Result<Duration> {
        let before = now();
        let heard = self
            .visitor
            .hear(limit, |heard| heard.pongs.last().is_some_and(|pong| pong.direct || !direct))?;
        let pong = heard.last()?;
        ensure!(pong.direct || !direct, "no direct path within {}", seconds(limit));
        Ok(pong.at.saturating_duration_since(before))
    }
}

fn goes_direct(scene: &mut Scene<'_>) -> Result<String> {
    let took = scene.answered(SOON, true)?;
    let after = scene.hear(Duration::from_secs(5))?;
    ensure!(after.pongs.iter().all(|pong| pong.direct), "it did not stay direct");
    Ok(format!("direct after {}, and stays so", seconds(took)))
}

fn stays_relayed(scene: &mut Scene<'_>) -> Result<String> {
    let took = scene.answered(SOON, false)?;
    let after = scene.hear(Duration::from_secs(10))?;
    ensure!(after.pongs.len() >= 15, "only {} pings were answered", after.pongs.len());
    ensure!(after.pongs.iter().all(|pong| !pong.direct), "a direct path where there can be none");
    ensure!(after.unanswered == 0, "{} pings were not answered", after.unanswered);
    Ok(format!(
        "first answer after {}, {} answers in 10 s through the relay",
        seconds(took),
        after.pongs.len()
    ))
}

fn survives_relay(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, false)?;
    scene.hear(Duration::from_secs(2))?;
    let mut said = Vec::new();
    for away in [1, 12] {
        scene.relay = None;
        sleep(Duration::from_secs(away));
        scene.relay = Some(scene.stage.relay()?);
        // What was seen before it came back does not count.
        scene.visitor.forget();
        let took = scene.answered(Duration::from_secs(30), false)?;
        ensure!(took < Duration::from_secs(20), "{} after the relay was back", seconds(took));
        said.push(format!("{} after {away} s without relay", seconds(took)));
        scene.hear(Duration::from_secs(3))?;
    }
    Ok(format!("answers again {}", said.join(", ")))
}

fn needs_no_relay(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    scene.hear(Duration::from_secs(2))?;
    scene.relay = None;
    let heard = scene.hear(Duration::from_secs(15))?;
    ensure!(heard.unanswered == 0, "{} pings were not answered", heard.unanswered);
    ensure!(heard.longest_gap() < Duration::from_secs(2), "{} without answer", seconds(heard.longest_gap()));
    Ok(format!("{} answers in 15 s without a relay", heard.pongs.len()))
}

fn survives_flapping(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    let mut took = Vec::new();
    for _ in 0..3 {
        scene.stage.world.ip("natA", "link set out down")?;
        sleep(Duration::from_secs(2));
        scene.stage.world.ip("natA", "link set out up")?;
        scene.visitor.forget();
        let again = scene.answered(Duration::from_secs(20), false)?;
        ensure!(again < SOON, "{} after the link was back", seconds(again));
        took.push(seconds(again));
        scene.hear(Duration::from_secs(3))?;
    }
    scene.answered(Duration::from_mins(1), true)?;
    Ok(format!("answers again after {}; direct in the end", took.join(", ")))
}

fn survives_move(scene: &mut Scene<'_>) -> Result<String> {
    scene.answered(SOON, true)?;
    let session = scene.hear(Duration::from_secs(2))?.last()?.session.clone();
    scene.stage.world.move_host()?;
    let heard = scene.hear(Duration::from_secs(20))?;
    ensure!(heard.pongs.iter().all(|pong| pong.session == session), "it is another session");
    let gap = heard.longest_gap();
    ensure!(gap < SOON, "{} without answer", seconds(gap));
    scene.answered(Duration::from_mins(1), true)?;
    Ok(format!("the same session, at most {} without answer, direct again", seconds(gap)))
}

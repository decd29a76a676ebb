//! The doctor's checks of the network: endpoints of this agent, relay, peers, clock.

use coworker_api::ops::Mode;
use coworker_api::ops::{AuditLog, NetworkInfo, NetworkLook, PeerInfo, Peers, Way};

use super::Check;
use crate::command::reached;
use crate::context::{Context, now_ms};
use crate::print;
use crate::session::Session;

/// Clocks are put right by a little all the time.
const SLACK_MS: i64 = 60_000;

/// Checks the ways to this agent and its peers. Contacts only hosts that the configuration names.
pub(super) async fn checks(context: &Context, session: &Session) -> Vec<Check> {
    let mut checks = vec![clock(session).await];
    match session.run(NetworkLook {}).await {
        Ok(network) => {
            checks.push(Check::ok("network", ways(&network)));
            checks.extend(relay(&network, context));
            checks.extend(inside(&network));
        }
        Err(error) => checks.push(Check::failed("network", error)),
    }
    match session.run(Peers {}).await {
        Ok(peers) => checks.extend(peers.iter().filter(|peer| peer.connected || peer.ours).map(peer)),
        Err(error) => checks.push(Check::failed("peers", error)),
    }
    checks
}

fn peer(peer: &PeerInfo) -> Check {
    let name = peer.name.as_ref().map_or_else(|| peer.peer.short(), ToString::to_string);
    let found = format!("{}: {}", print::plain(&name), reached::full(peer, now_ms()));
    let relayed = peer.reached.as_ref().is_some_and(|now| now.way == Way::Relay && !now.direct_door);
    if relayed && peer.ours {
        let fix = "it learns the direct way when both sides accept each other: coworker trust set PEER TIER";
        return Check::note("peer", found, fix.to_owned());
    }
    Check::ok("peer", found)
}

fn ways(network: &NetworkInfo) -> String {
    match network.mode {
        Mode::Local => format!("local, {}", network.addresses.join(", ")),
        Mode::Public => format!(
            "public; strangers learn no address, accepted peers {}",
            network.direct_addresses.join(", ")
        ),
    }
}

fn relay(network: &NetworkInfo, context: &Context) -> Option<Check> {
    let named = network.relays.join(", ");
    let config = context.home.config_path();
    match (&network.relay, network.relay_connected) {
        (Some(relay), true) => Some(Check::ok("relay", format!("connected to {relay}"))),
        _ if network.relays.is_empty() => None,
        _ => {
            let fix = format!(
                "check the internet connection, that TCP to it is not blocked, and for a relay of your own its \
                 certificate (`relay_ca`); relays stand in {}",
                config.display()
            );
            Some(Check::note("relay", format!("none of them answers: {named}"), fix))
        }
    }
}

fn inside(network: &NetworkInfo) -> Option<Check> {
    network.only_inside.then(|| {
        let fix = "let UDP out, to the relay's port 7842 too; until then peers elsewhere are reached through \
                    the relay";
        Check::note("UDP", "the relay told no public address of this host", fix.to_owned())
    })
}

/// A wrong clock makes certificates and key packages invalid, and leases end at the wrong time.
async fn clock(session: &Session) -> Check {
    let newest = session.run(AuditLog { limit: 1, peer: None, skill: None }).await;
    match newest {
        Ok(entries) => {
            let ahead = entries.first().map_or(0, |entry| entry.at_ms - now_ms());
            if ahead > SLACK_MS {
                let found = format!("{} s behind what was written down before", ahead / 1000);
                return Check::note("clock", found, "set the clock of this machine".to_owned());
            }
            Check::ok("clock", "not behind what was written down before")
        }
        Err(error) => Check::failed("clock", error),
    }
}

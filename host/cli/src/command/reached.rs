//! How peers are reached, in words.

use coworker_api::ops::{PeerInfo, Way};

use crate::print::{self, ago};

/// One word and the distance, for a column.
pub(super) fn short(peer: &PeerInfo) -> String {
    let Some(reached) = &peer.reached else { return "no".to_owned() };
    let way = match reached.way {
        Way::Direct => "direct",
        Way::Relay => "relay",
        Way::Memory => "yes",
        Way::None => "looking",
    };
    match reached.rtt_ms {
        Some(ms) => format!("{way}, {}", distance(ms)),
        None => way.to_owned(),
    }
}

/// By which way, how far, since when; or when it was last there.
pub(super) fn full(peer: &PeerInfo, now: i64) -> String {
    let Some(reached) = &peer.reached else {
        let seen =
            peer.seen_ms.map_or_else(|| "never seen".to_owned(), |at| format!("seen {}", ago(now, at)));
        return format!("not connected, {seen}");
    };
    let way = match reached.way {
        Way::Direct => format!("direct, {}", reached.to),
        Way::Relay => format!("relay, {}", reached.to),
        Way::Memory => "within this process".to_owned(),
        Way::None => "its way was lost, another is looked for".to_owned(),
    };
    let far = reached.rtt_ms.map(|ms| format!(", {}", distance(ms))).unwrap_or_default();
    format!("{}{far}, since {}", print::plain(&way), ago(now, reached.since_ms))
}

fn distance(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use coworker_api::ops::Reached;
    use coworker_policy::{PeerId, Tier};

    use super::*;

    fn peer(reached: Option<Reached>) -> PeerInfo {
        PeerInfo {
            peer: PeerId::from_bytes([7; 32]),
            name: None,
            tier: Tier::Known,
            connected: reached.is_some(),
            reached,
            ours: true,
            seen_ms: Some(0),
            waiting: 0,
            session: None,
        }
    }

    #[test]
    fn a_way_is_told_with_its_place_and_its_age() {
        let way = |way, to: &str, rtt_ms| {
            peer(Some(Reached { way, to: to.into(), direct_door: false, rtt_ms, since_ms: 1_000 }))
        };
        let told = |peer: &PeerInfo| (short(peer), full(peer, 121_000));
        let direct = way(Way::Direct, "192.0.2.7:4433", Some(3.46));
        assert_eq!(
            told(&direct),
            ("direct, 3.5 ms".into(), "direct, 192.0.2.7:4433, 3.5 ms, since 2 min ago".into())
        );
        let relay = way(Way::Relay, "https://relay.example/\u{1b}[31m", Some(48.2));
        assert_eq!(short(&relay), "relay, 48 ms");
        assert!(!full(&relay, 121_000).contains('\u{1b}'));
        assert_eq!(told(&peer(None)), ("no".into(), "not connected, seen 2 min ago".into()));
    }
}

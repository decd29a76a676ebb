use coworker_api::ops::{Reached, Way};
use coworker_net::{EndpointKind, LinkSender, PathKind};

pub(super) fn reached((link, endpoint): &(LinkSender, EndpointKind), now_ms: i64) -> Reached {
    let path = link.path_info();
    let held = i64::try_from(path.held.as_millis()).unwrap_or(i64::MAX);
    Reached {
        way: way(path.kind),
        to: path.to,
        direct_door: *endpoint == EndpointKind::Direct,
        rtt_ms: path.rtt.map(|rtt| (rtt.as_secs_f64() * 10_000.0).round() / 10.0),
        since_ms: now_ms.saturating_sub(held),
    }
}

fn way(kind: PathKind) -> Way {
    match kind {
        PathKind::Direct => Way::Direct,
        PathKind::Relay => Way::Relay,
        PathKind::Memory => Way::Memory,
        PathKind::None => Way::None,
    }
}

use coworker_net::{EndpointKind, LinkSender, PathKind};
use serde::{Deserialize, Serialize};

use crate::base::clock::now_ms;

/// How a connected peer is reached. For the owner's eyes: it names addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    pub way: Way,
    /// The peer's address, or the relay's URL; empty for the other ways.
    pub to: String,
    /// Whether the connection is at a direct door, which only accepted peers know.
    pub direct_door: bool,
    /// Round trip as last measured.
    pub rtt_ms: Option<f64>,
    /// Since when it is this way, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From host to host.
    Direct,
    Relay,
    /// Within one process, for tests.
    Memory,
    /// The last one was lost, and another is being looked for.
    None,
}

impl Reached {
    pub(super) fn of((link, endpoint): &(LinkSender, EndpointKind)) -> Self {
        let path = link.path_info();
        let held = i64::try_from(path.held.as_millis()).unwrap_or(i64::MAX);
        Self {
            way: path.kind.into(),
            to: path.to,
            direct_door: *endpoint == EndpointKind::Direct,
            rtt_ms: path.rtt.map(|rtt| (rtt.as_secs_f64() * 10_000.0).round() / 10.0),
            since_ms: now_ms().saturating_sub(held),
        }
    }
}

impl From<PathKind> for Way {
    fn from(kind: PathKind) -> Self {
        match kind {
            PathKind::Direct => Self::Direct,
            PathKind::Relay => Self::Relay,
            PathKind::Memory => Self::Memory,
            PathKind::None => Self::None,
        }
    }
}

use std::net::SocketAddr;

/// How an agent can be reached.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to listen for direct connections. Port 0 picks a free one. `None` means all interfaces and a random
    /// port.
    pub bind: Option<SocketAddr>,
    pub exposure: Exposure,
    /// Relay URLs. If empty, no relay and no other outside server is contacted.
    pub relays: Vec<String>,
    /// Certificates (PEM) of additional authorities that relays may use, besides the public ones.
    pub relay_ca: Option<Vec<u8>>,
}

/// Which peers may learn our addresses. An endpoint without any address cannot reveal one, so strangers reach it
/// through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// All peers: the identity endpoint listens on IP addresses. For networks whose users the owner trusts.
    Open {
        /// Announce our key and addresses on the local network and find others there. Has no effect with a
        /// loopback `bind`.
        mdns: bool,
    },
    /// No peer: the agent is reached through relays only. `bind` is not used.
    Hidden,
    /// Admitted peers: a second endpoint, with a key made from `direct`, ignores all others.
    Split { direct: [u8; 32] },
}

impl Default for Exposure {
    fn default() -> Self {
        Self::Open { mdns: false }
    }
}

impl Exposure {
    /// The seed of the key for direct links, or `None` if no peer may learn our addresses.
    pub(crate) fn direct_seed(&self, identity: [u8; 32]) -> Option<[u8; 32]> {
        match self {
            Self::Open { .. } => Some(identity),
            Self::Hidden => None,
            Self::Split { direct } => Some(*direct),
        }
    }
}

/// Where to find a peer, in addition to mDNS.
#[derive(Clone, Debug, Default)]
pub struct DialHints {
    pub addresses: Vec<SocketAddr>,
    pub relay: Option<String>,
}

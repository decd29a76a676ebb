use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use coworker_policy::PeerId;

type Cause = Box<dyn Error + Send + Sync>;

/// An error of the network. For the owner only, because sources may contain addresses.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("{0} is not a valid public key")]
    BadKey(PeerId),
    #[error("`{url}` is not a relay URL; expected https:// or http:// and a host")]
    BadRelay { url: String },
    #[error("no relay is configured; an agent without direct addresses needs at least one")]
    NoRelay,
    #[error("cannot read the certificate authority of the relays; expected PEM")]
    BadRelayCa(#[source] Cause),
    #[error("cannot listen on {}", place(*address))]
    Bind { address: Option<SocketAddr>, source: Cause },
    #[error("cannot reach {}", peer.short())]
    Unreachable { peer: PeerId, source: Cause },
    #[error("{} did not answer within {after:?}", peer.short())]
    TimedOut { peer: PeerId, after: Duration },
    #[error("the other side announced a frame of {length} bytes; at most {max} are accepted")]
    FrameTooLarge { length: usize, max: usize },
    #[error("the connection ended in the middle of a frame")]
    Truncated,
    #[error("the connection was lost")]
    Lost(#[source] Cause),
    #[error("the network is closed")]
    Closed,
}

impl NetError {
    pub(crate) fn unreachable(peer: PeerId, source: impl Into<Cause>) -> Self {
        Self::Unreachable { peer, source: source.into() }
    }

    pub(crate) fn bad_roots(source: impl Into<Cause>) -> Self {
        Self::BadRelayCa(source.into())
    }

    pub(crate) fn lost(source: impl Into<Cause>) -> Self {
        Self::Lost(source.into())
    }
}

fn place(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "any interface".to_owned(), |address| address.to_string())
}

/// The link takes no more frames, because it was closed or lost, or because the peer read too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed")]
pub struct Closed;

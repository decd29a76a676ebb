use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::PeerId;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::DropGuard;

use crate::link::Links;
use crate::memory::Door;
use crate::quic::Quic;
use crate::{DirectCard, Hub, Link, NetError};

/// How many accepted links may wait for [`Network::accept`].
const ARRIVALS: usize = 64;

/// How an agent is reached.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to listen directly; port 0 picks one. `None`: all interfaces, a random port.
    pub bind: Option<SocketAddr>,
    pub doors: Doors,
    /// Relay URLs. Empty: no relay, nothing outside is contacted.
    pub relays: Vec<String>,
    /// Certificates (PEM) of authorities that vouch for our relays, besides the public ones.
    pub relay_ca: Option<Vec<u8>>,
}

/// Who may learn our addresses. Without a door that is open to them, strangers reach us through a relay, and an
/// endpoint that has no address itself can tell none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    /// Anyone: our key answers directly. For networks whose owner trusts who is on them.
    Open {
        /// Announce our key and addresses on the local network, and find others there. Not with a loopback `bind`.
        mdns: bool,
    },
    /// Nobody: reached through a relay only. `bind` is not used.
    Hidden,
    /// Admitted peers: a second endpoint, whose key is made from `direct`, is silent to everyone else.
    Split { direct: [u8; 32] },
}

impl Default for Doors {
    fn default() -> Self {
        Self::Open { mdns: false }
    }
}

impl Doors {
    /// Whose key the direct links are made with, if addresses are for anyone at all.
    pub(crate) fn direct_seed(&self, identity: [u8; 32]) -> Option<[u8; 32]> {
        match self {
            Self::Open { .. } => Some(identity),
            Self::Hidden => None,
            Self::Split { direct } => Some(*direct),
        }
    }
}

/// Where a peer may be found, besides what mDNS knows.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    pub addresses: Vec<SocketAddr>,
    pub relay: Option<String>,
}

/// One key on the network. Clones are the same endpoint; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    me: PeerId,
    carrier: Carrier,
    links: Links,
    arrivals: Mutex<mpsc::Receiver<Link>>,
    _stop: DropGuard,
}

enum Carrier {
    Quic(Quic),
    Memory(Hub),
}

/// iroh's own futures nest so deeply that the compiler gives up on whoever contains them; they end here.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, NetError>> + Send + 'a>>;

impl Network {
    /// Listens as the Ed25519 key made from `seed`.
    ///
    /// # Errors
    /// [`NetError::BadRelay`], [`NetError::BadRelayCa`], [`NetError::NoRelay`] (not [`Doors::Open`], and no relay)
    /// and [`NetError::Bind`].
    pub async fn iroh(seed: [u8; 32], options: Options) -> Result<Self, NetError> {
        let links = Links::default();
        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        let bind: Boxed<'_, Quic> = Box::pin(Quic::bind(seed, &options, links.clone(), arrive));
        let quic = bind.await?;
        Ok(Self::new(quic.me(), Carrier::Quic(quic), links, arrivals))
    }

    /// The twin for tests. `peer` need not be a valid key.
    pub fn memory(hub: &Hub, peer: PeerId) -> Self {
        let links = Links::default();
        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        hub.enter(peer, Door { arrivals: arrive, links: links.clone() });
        Self::new(peer, Carrier::Memory(hub.clone()), links, arrivals)
    }

    fn new(me: PeerId, carrier: Carrier, links: Links, arrivals: mpsc::Receiver<Link>) -> Self {
        let stop = links.shutdown.clone().drop_guard();
        Self { inner: Arc::new(Inner { me, carrier, links, arrivals: Mutex::new(arrivals), _stop: stop }) }
    }

    /// The key we answer to.
    pub fn peer_id(&self) -> PeerId {
        self.inner.me
    }

    /// Addresses at which our own key may be dialled directly: the bound socket, or for all interfaces the address
    /// of each and loopback. Empty in memory and unless [`Doors::Open`]. Private: not for strangers.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.addresses(),
            Carrier::Memory(_) => Vec::new(),
        }
    }

    /// The relay that we are reached through, once one is chosen.
    pub fn home_relay(&self) -> Option<String> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.home_relay(),
            Carrier::Memory(_) => None,
        }
    }

    /// Whether a relay holds our place now. `false` when none is configured.
    pub fn is_relay_connected(&self) -> bool {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.relay_connected(),
            Carrier::Memory(_) => false,
        }
    }

    /// What to tell `peer`, inside its session, once it is accepted: how it reaches us directly. `None` if nobody
    /// does ([`Doors::Hidden`], and in memory).
    pub fn direct_card(&self, peer: PeerId) -> Option<DirectCard> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.direct_card(peer),
            Carrier::Memory(_) => None,
        }
    }

    /// Changes when a [card](Self::direct_card) sent before is no longer all there is to tell: we have other
    /// addresses or another relay.
    pub fn moves(&self) -> watch::Receiver<()> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.moves(),
            Carrier::Memory(_) => watch::channel(()).1,
        }
    }

    /// Opens the direct door to `peer`, and takes its own into account when dialling it. `card` is what `peer`
    /// itself said inside its session; a newer one replaces it. Lasts until [`expel`](Self::expel) or the end of
    /// this network: who keeps peers admits them again at each start.
    ///
    /// # Errors
    /// [`NetError::BadKey`]: the card's key is none.
    pub fn admit(&self, peer: PeerId, card: &DirectCard) -> Result<(), NetError> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.admit(peer, card, &self.inner.links),
            Carrier::Memory(_) => Ok(()),
        }
    }

    /// Closes the direct door to `peer` and ends its links there, delivering what is queued (for up to two
    /// seconds). Links through the front door are anyone's, so they stay.
    pub fn expel(&self, peer: PeerId) {
        if let Carrier::Quic(quic) = &self.inner.carrier {
            quic.expel(peer);
        }
    }

    /// Connects to `peer`, and to no other key, within `timeout`: to its direct door if it is admitted, and two
    /// seconds later to its front door as well.
    ///
    /// # Errors
    /// [`NetError::BadKey`], [`NetError::BadRelay`] (the hint), [`NetError::Unreachable`], [`NetError::TimedOut`],
    /// [`NetError::Closed`].
    pub async fn dial(&self, peer: PeerId, hints: &Hints, timeout: Duration) -> Result<Link, NetError> {
        let links = &self.inner.links;
        if links.shutdown.is_cancelled() {
            return Err(NetError::Closed);
        }
        match &self.inner.carrier {
            Carrier::Quic(quic) => {
                let dial: Boxed<'_, Link> = Box::pin(quic.dial(peer, hints, timeout, links));
                dial.await
            }
            Carrier::Memory(hub) => hub.dial(self.inner.me, peer, links),
        }
    }

    /// The next link that a peer opened; `None` after [`close`](Self::close). A peer may open several:
    /// which of them to keep is for the caller to say. Cancel-safe.
    pub async fn accept(&self) -> Option<Link> {
        tokio::select! {
            biased;
            () = self.inner.links.shutdown.cancelled() => None,
            link = async { self.inner.arrivals.lock().await.recv().await } => link,
        }
    }

    /// Delivers what is queued on every link (for up to two seconds), ends them so that peers see it at once,
    /// and stops listening.
    pub async fn close(&self) {
        let inner = &self.inner;
        if let Carrier::Memory(hub) = &inner.carrier {
            hub.leave(inner.me, &inner.links);
        }
        inner.links.close().await;
        if let Carrier::Quic(quic) = &inner.carrier {
            quic.close().await;
        }
    }
}

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::PeerId;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::DropGuard;

use crate::admission::DirectCard;
use crate::error::NetError;
use crate::link::{Link, Links};
use crate::memory::{Hub, MemoryListener};
use crate::options::{DialHints, Options};
use crate::quic::Quic;

/// How many accepted links may wait for [`Network::accept`].
const ARRIVALS: usize = 64;

/// An agent on the network. Clones share the endpoints, which close when the last clone is dropped.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    own: PeerId,
    carrier: Carrier,
    links: Links,
    arrivals: Mutex<mpsc::Receiver<Link>>,
    _stop: DropGuard,
}

enum Carrier {
    Quic(Quic),
    Memory(Hub),
}

/// Boxing ends the nesting of iroh's futures, which is too deep for the compiler.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, NetError>> + Send + 'a>>;

impl Network {
    /// Listens as the Ed25519 key made from `seed`.
    ///
    /// # Errors
    /// [`NetError::BadRelay`], [`NetError::BadRelayCa`], [`NetError::NoRelay`] (no relay, and the exposure is not
    /// [`Exposure::Open`](crate::Exposure::Open)) and [`NetError::Bind`].
    pub async fn iroh(seed: [u8; 32], options: Options) -> Result<Self, NetError> {
        let links = Links::default();
        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        let bind: Boxed<'_, Quic> = Box::pin(Quic::bind(seed, &options, links.clone(), arrive));
        let quic = bind.await?;
        Ok(Self::new(quic.own_id(), Carrier::Quic(quic), links, arrivals))
    }

    /// Joins an in-memory network, for tests. `peer` need not be a valid key.
    pub fn memory(hub: &Hub, peer: PeerId) -> Self {
        let links = Links::default();
        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        hub.listen(peer, MemoryListener { arrivals: arrive, links: links.clone() });
        Self::new(peer, Carrier::Memory(hub.clone()), links, arrivals)
    }

    fn new(own: PeerId, carrier: Carrier, links: Links, arrivals: mpsc::Receiver<Link>) -> Self {
        let stop = links.shutdown.clone().drop_guard();
        Self { inner: Arc::new(Inner { own, carrier, links, arrivals: Mutex::new(arrivals), _stop: stop }) }
    }

    /// Our identity key.
    pub fn peer_id(&self) -> PeerId {
        self.inner.own
    }

    /// The addresses of the identity endpoint: the bound socket, or loopback and the address of each interface.
    /// Empty in memory and unless the exposure is [`Exposure::Open`](crate::Exposure::Open). Do not show them to
    /// strangers.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.addresses(),
            Carrier::Memory(_) => Vec::new(),
        }
    }

    /// The relay through which peers reach us, once one is chosen.
    pub fn home_relay(&self) -> Option<String> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.home_relay(),
            Carrier::Memory(_) => None,
        }
    }

    /// Returns true while a relay is connected, and false if none is configured.
    pub fn is_relay_connected(&self) -> bool {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.relay_connected(),
            Carrier::Memory(_) => false,
        }
    }

    /// The card that tells `peer` how to reach us directly. Send it inside the session, to an accepted peer only.
    /// Returns `None` in memory and with [`Exposure::Hidden`](crate::Exposure::Hidden).
    pub fn direct_card(&self, peer: PeerId) -> Option<DirectCard> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.direct_card(peer),
            Carrier::Memory(_) => None,
        }
    }

    /// Notifies of changes of our addresses or relay, after which [cards](Self::direct_card) sent before are
    /// outdated.
    pub fn address_changes(&self) -> watch::Receiver<()> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.address_changes(),
            Carrier::Memory(_) => watch::channel(()).1,
        }
    }

    /// Admits `peer` to the direct endpoint, and dials the peer's direct endpoint from now on. `card` must come
    /// from the session with `peer`. A newer card replaces it. The admission ends with [`expel`](Self::expel) or
    /// with this network, so the caller has to admit stored peers again at each start.
    ///
    /// # Errors
    /// [`NetError::BadKey`] if the card's key is not valid.
    pub fn admit(&self, peer: PeerId, card: &DirectCard) -> Result<(), NetError> {
        match &self.inner.carrier {
            Carrier::Quic(quic) => quic.admit(peer, card, &self.inner.links),
            Carrier::Memory(_) => Ok(()),
        }
    }

    /// Ends the admission of `peer` and its links at the direct endpoint, after delivering queued frames (for up
    /// to two seconds). Links at the identity endpoint need no admission, so they stay.
    pub fn expel(&self, peer: PeerId) {
        if let Carrier::Quic(quic) = &self.inner.carrier {
            quic.expel(peer);
        }
    }

    /// Connects to `peer`, and to no other key, within `timeout`. If the peer is admitted, dials its direct
    /// endpoint first and its identity endpoint two seconds later.
    ///
    /// # Errors
    /// [`NetError::BadKey`], [`NetError::BadRelay`] (in the hints), [`NetError::Unreachable`], [`NetError::TimedOut`],
    /// [`NetError::Closed`].
    pub async fn dial(&self, peer: PeerId, hints: &DialHints, timeout: Duration) -> Result<Link, NetError> {
        let links = &self.inner.links;
        if links.shutdown.is_cancelled() {
            return Err(NetError::Closed);
        }
        match &self.inner.carrier {
            Carrier::Quic(quic) => {
                let dial: Boxed<'_, Link> = Box::pin(quic.dial(peer, hints, timeout, links));
                dial.await
            }
            Carrier::Memory(hub) => hub.dial(self.inner.own, peer, links),
        }
    }

    /// Returns the next link that a peer opened, or `None` after [`close`](Self::close). A peer may open several;
    /// the caller decides which to keep. Cancel-safe.
    pub async fn accept(&self) -> Option<Link> {
        tokio::select! {
            biased;
            () = self.inner.links.shutdown.cancelled() => None,
            link = async { self.inner.arrivals.lock().await.recv().await } => link,
        }
    }

    /// Delivers the queued frames of all links (for up to two seconds), ends the links so that peers notice at
    /// once, and stops listening.
    pub async fn close(&self) {
        let inner = &self.inner;
        if let Carrier::Memory(hub) = &inner.carrier {
            hub.leave(inner.own, &inner.links);
        }
        inner.links.close().await;
        if let Carrier::Quic(quic) = &inner.carrier {
            quic.close().await;
        }
    }
}

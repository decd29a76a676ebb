//! The in-memory twin of the network, for tests: the same links and framing, no sockets.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use coworker_policy::PeerId;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use crate::error::NetError;
use crate::link::{EndpointKind, Link, LinkEnd, Links};
use crate::memory_wire::MemoryWire;
use crate::wire::{Sink, Source, Wire};

/// Bytes in transit in one direction. As with a QUIC window, a writer waits while they are unread.
const WINDOW: usize = 64 * 1024;

/// The network of the agents of one test. Clones share one network.
#[derive(Clone, Default)]
pub struct Hub {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    listeners: HashMap<PeerId, MemoryListener>,
    wires: Vec<Weak<MemoryWire>>,
    unreachable: HashSet<PeerId>,
}

/// Takes the links that others open to an agent.
pub(crate) struct MemoryListener {
    pub(crate) arrivals: mpsc::Sender<Link>,
    pub(crate) links: Links,
}

impl Hub {
    pub fn new() -> Self {
        Self::default()
    }

    /// Loses all current links between `a` and `b`, as a network failure does. Both may dial again.
    pub fn cut(&self, a: PeerId, b: PeerId) {
        self.state().lose(|wire| wire.is_between(a, b));
    }

    /// Takes `peer` off the network and loses its links, or puts it back. Meanwhile dialling from or to it fails
    /// with [`NetError::Unreachable`].
    pub fn set_reachable(&self, peer: PeerId, reachable: bool) {
        let mut state = self.state();
        if reachable {
            state.unreachable.remove(&peer);
        } else {
            state.unreachable.insert(peer);
            state.lose(|wire| wire.has_end(peer));
        }
    }

    /// Registers the listener of `peer`. It replaces an earlier one of the same key.
    pub(crate) fn listen(&self, peer: PeerId, listener: MemoryListener) {
        self.state().listeners.insert(peer, listener);
    }

    pub(crate) fn leave(&self, peer: PeerId, links: &Links) {
        let mut state = self.state();
        // A restarted agent may have registered the same key, and its listener must stay.
        if state.listeners.get(&peer).is_some_and(|listener| listener.links.is(links)) {
            state.listeners.remove(&peer);
        }
    }

    pub(crate) fn dial(&self, own: PeerId, peer: PeerId, links: &Links) -> Result<Link, NetError> {
        let mut state = self.state();
        state.check_reachable(own, peer)?;
        let listener =
            state.listeners.get(&peer).ok_or_else(|| refused(peer, "no agent listens for this key"))?;
        let slot = listener.arrivals.try_reserve().map_err(|_| refused(peer, "the agent does not accept"))?;
        let (ours, theirs, wire) = pair(own, peer);
        slot.send(listener.links.start(theirs));
        state.wires.retain(|wire| wire.strong_count() > 0);
        state.wires.push(wire);
        drop(state);
        Ok(links.start(ours))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_reachable(&self, own: PeerId, peer: PeerId) -> Result<(), NetError> {
        if own == peer {
            return Err(refused(peer, "this is our own key"));
        }
        if self.unreachable.contains(&own) || self.unreachable.contains(&peer) {
            return Err(refused(peer, "off the network"));
        }
        Ok(())
    }

    fn lose(&self, which: impl Fn(&MemoryWire) -> bool) {
        self.wires.iter().filter_map(Weak::upgrade).filter(|wire| which(wire)).for_each(|wire| wire.lose());
    }
}

fn refused(peer: PeerId, why: &'static str) -> NetError {
    NetError::unreachable(peer, io::Error::new(io::ErrorKind::ConnectionRefused, why))
}

/// Creates both ends of a new connection, which `from` dialled.
fn pair(from: PeerId, to: PeerId) -> (LinkEnd, LinkEnd, Weak<MemoryWire>) {
    let wire = Arc::new(MemoryWire::new(from, to));
    let (there, from_there) = tokio::io::duplex(WINDOW);
    let (back, from_back) = tokio::io::duplex(WINDOW);
    let handle = Arc::downgrade(&wire);
    (end(to, true, there, from_back, &wire), end(from, false, back, from_there, &wire), handle)
}

fn end(peer: PeerId, dialed: bool, out: DuplexStream, into: DuplexStream, wire: &Arc<MemoryWire>) -> LinkEnd {
    LinkEnd {
        peer,
        dialed,
        endpoint: EndpointKind::Identity,
        sink: Sink::Memory(out),
        source: Source::Memory(into, Arc::clone(wire)),
        wire: Wire::Memory(Arc::clone(wire)),
        cancel: None,
        held: None,
    }
}

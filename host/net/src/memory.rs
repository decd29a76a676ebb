//! The in-memory twin of the network, for tests: the same links and framing, no sockets.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use coworker_policy::PeerId;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::link::{End, Links};
use crate::wire::{Sink, Source, Wire};
use crate::{Entrance, Link, NetError};

/// Bytes on the way in one direction; as a QUIC window, a writer waits when they are not read.
const WINDOW: usize = 64 * 1024;

/// Where the agents of one test meet. Clones are the same place.
#[derive(Clone, Default)]
pub struct Hub {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    doors: HashMap<PeerId, Door>,
    wires: Vec<Weak<MemoryWire>>,
    unreachable: HashSet<PeerId>,
}

/// How an agent is reached.
pub(crate) struct Door {
    pub(crate) arrivals: mpsc::Sender<Link>,
    pub(crate) links: Links,
}

impl Hub {
    pub fn new() -> Self {
        Self::default()
    }

    /// Loses every present link between `a` and `b`, as a network failure does; they may dial again.
    pub fn cut(&self, a: PeerId, b: PeerId) {
        self.state().lose(|wire| wire.ends == (a, b) || wire.ends == (b, a));
    }

    /// Takes `peer` off the network, losing its links, or puts it back. Dialling from or to it is
    /// [`NetError::Unreachable`] meanwhile.
    pub fn set_reachable(&self, peer: PeerId, reachable: bool) {
        let mut state = self.state();
        if reachable {
            state.unreachable.remove(&peer);
        } else {
            state.unreachable.insert(peer);
            state.lose(|wire| wire.ends.0 == peer || wire.ends.1 == peer);
        }
    }

    /// Puts `peer` at its door; an earlier holder of the same key is no longer reached.
    pub(crate) fn enter(&self, peer: PeerId, door: Door) {
        self.state().doors.insert(peer, door);
    }

    pub(crate) fn leave(&self, peer: PeerId, links: &Links) {
        let mut state = self.state();
        // A restarted agent may have taken the key over already: only our own door is ours to close.
        if state.doors.get(&peer).is_some_and(|door| door.links.is(links)) {
            state.doors.remove(&peer);
        }
    }

    pub(crate) fn dial(&self, me: PeerId, peer: PeerId, links: &Links) -> Result<Link, NetError> {
        let mut state = self.state();
        state.check_reachable(me, peer)?;
        let door = state.doors.get(&peer).ok_or_else(|| refused(peer, "nobody holds this key"))?;
        let seat = door.arrivals.try_reserve().map_err(|_| refused(peer, "nobody answers"))?;
        let (ours, theirs, wire) = pair(me, peer);
        seat.send(door.links.start(theirs));
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
    fn check_reachable(&self, me: PeerId, peer: PeerId) -> Result<(), NetError> {
        if me == peer {
            return Err(refused(peer, "this is our own key"));
        }
        if self.unreachable.contains(&me) || self.unreachable.contains(&peer) {
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

/// Both ends of a new connection that `from` dialled.
fn pair(from: PeerId, to: PeerId) -> (End, End, Weak<MemoryWire>) {
    let wire = Arc::new(MemoryWire {
        ends: (from, to),
        over: CancellationToken::new(),
        lost: AtomicBool::new(false),
    });
    let (there, from_there) = tokio::io::duplex(WINDOW);
    let (back, from_back) = tokio::io::duplex(WINDOW);
    let handle = Arc::downgrade(&wire);
    (end(to, true, there, from_back, &wire), end(from, false, back, from_there, &wire), handle)
}

fn end(peer: PeerId, dialed: bool, out: DuplexStream, into: DuplexStream, wire: &Arc<MemoryWire>) -> End {
    End {
        peer,
        dialed,
        entrance: Entrance::Front,
        sink: Sink::Memory(out),
        source: Source::Memory(into, Arc::clone(wire)),
        wire: Wire::Memory(Arc::clone(wire)),
        over: None,
        held: None,
    }
}

/// What stands for the connection.
pub(crate) struct MemoryWire {
    ends: (PeerId, PeerId),
    over: CancellationToken,
    lost: AtomicBool,
}

impl MemoryWire {
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    pub(crate) async fn closed(&self) {
        self.over.cancelled().await;
    }

    /// What a reader is told when no bytes are left.
    pub(crate) fn end(&self) -> Result<Option<Bytes>, NetError> {
        if self.lost.load(Ordering::Acquire) {
            return Err(NetError::lost(io::Error::from(io::ErrorKind::ConnectionReset)));
        }
        Ok(None)
    }

    fn lose(&self) {
        // A connection that had ended in order stays so.
        if !self.over.is_cancelled() {
            self.lost.store(true, Ordering::Release);
            self.over.cancel();
        }
    }
}

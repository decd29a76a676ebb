//! Limits connections between their first packet and their open stream. Any host can start one, so their number
//! is small, and a source that starts many evicts its own.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iroh::endpoint::IncomingAddr;
use tokio_util::sync::CancellationToken;

/// Most half-open connections.
const ALL: usize = 64;
/// Most half-open connections of one source. Many honest agents may share an address, but each needs only
/// milliseconds.
const PER_SOURCE: usize = 16;

/// The source of a first packet, as far as it is known before a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Through a relay, which has verified the key.
    Key([u8; 32]),
    /// An IPv4 /24 or IPv6 /56 network. One host can easily have all of its addresses.
    Net(IpAddr),
    Unknown,
}

impl Source {
    pub(crate) fn of(address: &IncomingAddr) -> Self {
        match address {
            IncomingAddr::Ip(address) => Self::Net(network(address.ip().to_canonical())),
            IncomingAddr::Relay { endpoint_id, .. } => Self::Key(*endpoint_id.as_bytes()),
            _ => Self::Unknown,
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & (u32::MAX << 8)).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 72)).into()),
    }
}

#[derive(Clone, Default)]
pub(crate) struct HalfOpen {
    slots: Arc<Mutex<Slots>>,
}

#[derive(Default)]
struct Slots {
    next: u64,
    /// Ordered by age, oldest first.
    taken: BTreeMap<u64, (Source, CancellationToken)>,
}

/// The slot of one half-open connection. Dropping it frees the slot.
pub(crate) struct Slot {
    slots: Arc<Mutex<Slots>>,
    id: u64,
    /// Cancelled when a newer connection takes the slot.
    pub(crate) evicted: CancellationToken,
}

impl HalfOpen {
    /// Takes a slot for a new connection. If none is free, evicts the oldest connection of this source or of the
    /// source with the most slots. An honest handshake ends long before it becomes the oldest.
    pub(crate) fn enter(&self, source: Source) -> Slot {
        let mut slots = lock(&self.slots);
        if slots.held_by(source) >= PER_SOURCE {
            slots.evict(source);
        } else if slots.taken.len() >= ALL
            && let Some(largest) = slots.largest_source()
        {
            slots.evict(largest);
        }
        let (id, evicted) = (slots.next, CancellationToken::new());
        slots.next += 1;
        slots.taken.insert(id, (source, evicted.clone()));
        Slot { slots: Arc::clone(&self.slots), id, evicted }
    }

    /// Returns true if a new connection has to prove its address first.
    pub(crate) fn is_crowded(&self) -> bool {
        lock(&self.slots).taken.len() >= ALL / 2
    }
}

impl Slots {
    fn held_by(&self, source: Source) -> usize {
        self.taken.values().filter(|(of, _)| *of == source).count()
    }

    fn largest_source(&self) -> Option<Source> {
        let mut held = BTreeMap::<Source, usize>::new();
        for (source, _) in self.taken.values() {
            *held.entry(*source).or_default() += 1;
        }
        held.into_iter().max_by_key(|(_, count)| *count).map(|(source, _)| source)
    }

    fn evict(&mut self, source: Source) {
        let oldest = self.taken.iter().find(|(_, (of, _))| *of == source).map(|(id, _)| *id);
        if let Some((_, evicted)) = oldest.and_then(|id| self.taken.remove(&id)) {
            evicted.cancel();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.slots).taken.remove(&self.id);
    }
}

fn lock(slots: &Mutex<Slots>) -> MutexGuard<'_, Slots> {
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u8) -> Source {
        Source::Key([number; 32])
    }

    fn live(slots: &[Slot]) -> usize {
        slots.iter().filter(|slot| !slot.evicted.is_cancelled()).count()
    }

    #[test]
    fn one_source_evicts_only_its_own_connections() {
        let half_open = HalfOpen::default();
        let honest = half_open.enter(source(1));
        let greedy: Vec<_> = (0..1000).map(|_| half_open.enter(source(2))).collect();
        assert!(!honest.evicted.is_cancelled());
        assert_eq!(live(&greedy), PER_SOURCE);
        assert!(!greedy.last().unwrap().evicted.is_cancelled(), "the newest keeps its slot");
        assert!(!half_open.is_crowded());
    }

    #[test]
    fn the_source_with_the_most_connections_is_evicted_first() {
        let half_open = HalfOpen::default();
        let honest = half_open.enter(source(200));
        let greedy: Vec<_> = (0..4).flat_map(|n| (0..PER_SOURCE).map(move |_| n)).collect();
        let greedy: Vec<_> = greedy.into_iter().map(|n| half_open.enter(source(n))).collect();
        assert_eq!((live(&greedy), lock(&half_open.slots).taken.len()), (ALL - 1, ALL));
        assert!(half_open.is_crowded());
        let newcomer = half_open.enter(source(201));
        assert!(!honest.evicted.is_cancelled() && !newcomer.evicted.is_cancelled());
        assert_eq!(live(&greedy), ALL - 2);
    }

    #[test]
    fn a_dropped_slot_is_free_again() {
        let half_open = HalfOpen::default();
        let slots: Vec<_> = (0..PER_SOURCE).map(|_| half_open.enter(source(1))).collect();
        drop(slots);
        assert_eq!(lock(&half_open.slots).taken.len(), 0);
    }

    #[test]
    fn hosts_of_one_network_count_as_one_source() {
        let of = |address: &str| Source::of(&IncomingAddr::Ip(address.parse().unwrap()));
        assert_eq!(of("192.0.2.7:1"), of("192.0.2.99:2"));
        assert_eq!(of("192.0.2.7:1"), of("[::ffff:192.0.2.8]:1"));
        assert_ne!(of("192.0.2.7:1"), of("192.0.3.7:1"));
        assert_eq!(of("[2001:db8:1:200::1]:1"), of("[2001:db8:1:2ff::9]:1"));
        assert_ne!(of("[2001:db8:1:200::1]:1"), of("[2001:db8:1:300::1]:1"));
    }
}

//! Connections between their first packet and their open stream. Anyone can begin one, so they are few, and
//! whoever begins many crowds out himself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iroh::endpoint::IncomingAddr;
use tokio_util::sync::CancellationToken;

/// At one time, of all sources.
const ALL: usize = 64;
/// … and of one. Many honest agents may be behind one address, and each needs milliseconds.
const OF_ONE: usize = 16;

/// Whom a first packet came from, as far as that is known then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Through a relay, which vouches for the key.
    Key([u8; 32]),
    /// A network: the addresses that one host can easily have. IPv4 /24, IPv6 /56.
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
    /// By age, oldest first.
    taken: BTreeMap<u64, (Source, CancellationToken)>,
}

/// One half-open connection's place, until dropped.
pub(crate) struct Place {
    slots: Arc<Mutex<Slots>>,
    id: u64,
    /// Somebody newer has the place.
    pub(crate) lost: CancellationToken,
}

impl HalfOpen {
    /// A place for a newcomer, if need be that of the oldest: an honest handshake is done long before it is the
    /// oldest. A source with its full share makes way itself, else the one that holds most does.
    pub(crate) fn enter(&self, source: Source) -> Place {
        let mut slots = lock(&self.slots);
        if slots.held_by(source) >= OF_ONE {
            slots.evict(source);
        } else if slots.taken.len() >= ALL
            && let Some(greediest) = slots.greediest()
        {
            slots.evict(greediest);
        }
        let (id, lost) = (slots.next, CancellationToken::new());
        slots.next += 1;
        slots.taken.insert(id, (source, lost.clone()));
        Place { slots: Arc::clone(&self.slots), id, lost }
    }

    /// From here on a first packet must prove its address.
    pub(crate) fn is_crowded(&self) -> bool {
        lock(&self.slots).taken.len() >= ALL / 2
    }
}

impl Slots {
    fn held_by(&self, source: Source) -> usize {
        self.taken.values().filter(|(of, _)| *of == source).count()
    }

    fn greediest(&self) -> Option<Source> {
        let mut held = BTreeMap::<Source, usize>::new();
        for (source, _) in self.taken.values() {
            *held.entry(*source).or_default() += 1;
        }
        held.into_iter().max_by_key(|(_, count)| *count).map(|(source, _)| source)
    }

    fn evict(&mut self, source: Source) {
        let oldest = self.taken.iter().find(|(_, (of, _))| *of == source).map(|(id, _)| *id);
        if let Some((_, lost)) = oldest.and_then(|id| self.taken.remove(&id)) {
            lost.cancel();
        }
    }
}

impl Drop for Place {
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

    fn live(places: &[Place]) -> usize {
        places.iter().filter(|place| !place.lost.is_cancelled()).count()
    }

    #[test]
    fn one_source_crowds_out_itself_alone() {
        let half_open = HalfOpen::default();
        let honest = half_open.enter(source(1));
        let greedy: Vec<_> = (0..1000).map(|_| half_open.enter(source(2))).collect();
        assert!(!honest.lost.is_cancelled());
        assert_eq!(live(&greedy), OF_ONE);
        assert!(!greedy.last().unwrap().lost.is_cancelled(), "the newest has a place");
        assert!(!half_open.is_crowded());
    }

    #[test]
    fn many_sources_make_way_the_greediest_first() {
        let half_open = HalfOpen::default();
        let honest = half_open.enter(source(200));
        let greedy: Vec<_> = (0..4).flat_map(|n| (0..OF_ONE).map(move |_| n)).collect();
        let greedy: Vec<_> = greedy.into_iter().map(|n| half_open.enter(source(n))).collect();
        assert_eq!((live(&greedy), lock(&half_open.slots).taken.len()), (ALL - 1, ALL));
        assert!(half_open.is_crowded());
        let newcomer = half_open.enter(source(201));
        assert!(!honest.lost.is_cancelled() && !newcomer.lost.is_cancelled());
        assert_eq!(live(&greedy), ALL - 2);
    }

    #[test]
    fn a_place_is_free_again_when_its_holder_is_done() {
        let half_open = HalfOpen::default();
        let places: Vec<_> = (0..OF_ONE).map(|_| half_open.enter(source(1))).collect();
        drop(places);
        assert_eq!(lock(&half_open.slots).taken.len(), 0);
    }

    #[test]
    fn hosts_of_one_network_are_one_source() {
        let of = |address: &str| Source::of(&IncomingAddr::Ip(address.parse().unwrap()));
        assert_eq!(of("192.0.2.7:1"), of("192.0.2.99:2"));
        assert_eq!(of("192.0.2.7:1"), of("[::ffff:192.0.2.8]:1"));
        assert_ne!(of("192.0.2.7:1"), of("192.0.3.7:1"));
        assert_eq!(of("[2001:db8:1:200::1]:1"), of("[2001:db8:1:2ff::9]:1"));
        assert_ne!(of("[2001:db8:1:200::1]:1"), of("[2001:db8:1:300::1]:1"));
    }
}

//! Who may come to the direct door, and by what they are known there before any handshake.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coworker_policy::PeerId;
use iroh::EndpointId;
use tokio_util::sync::CancellationToken;

use crate::NetError;

/// Bytes of a knock.
pub const KNOCK: usize = 16;

/// A peer picks its card, so only so many addresses of it are kept.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// How one side reaches the other's direct door. It names addresses, so it is sent to accepted peers only, inside
/// the encrypted session; and each peer gets its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectCard {
    /// The direct door's own key; not the identity.
    pub key: [u8; 32],
    /// What this one peer says at the door. Worth nothing once the peer is expelled.
    pub knock: [u8; KNOCK],
    pub addresses: Vec<SocketAddr>,
    pub relay: Option<String>,
}

/// The peers that the direct door is open to.
pub(crate) struct Admitted {
    seed: [u8; 32],
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    peers: HashMap<PeerId, Guest>,
    knocks: HashMap<[u8; KNOCK], PeerId>,
}

/// A peer that may come, and to which we may go.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) peer: PeerId,
    /// As the peer gave it to us.
    pub(crate) card: DirectCard,
    /// Ends the peer's direct links.
    pub(crate) over: CancellationToken,
}

impl Admitted {
    /// `seed`: the direct door's; knocks are made from it.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, list: Mutex::default() }
    }

    /// What `peer` has to say. The same every time, so that a card sent long ago stays good.
    pub(crate) fn knock(&self, peer: PeerId) -> [u8; KNOCK] {
        let key = blake3::derive_key("coworker 2026-11 knock at the direct door", &self.seed);
        let mut knock = [0; KNOCK];
        blake3::Hasher::new_keyed(&key).update(peer.as_bytes()).finalize_xof().fill(&mut knock);
        knock
    }

    /// Lets `peer` in from now on, as the holder of the card's key. A peer whose key is another now starts anew.
    pub(crate) fn admit(
        &self,
        peer: PeerId,
        card: &DirectCard,
        parent: &CancellationToken,
    ) -> Result<(), NetError> {
        EndpointId::from_bytes(&card.key).map_err(|_| NetError::BadKey(PeerId::from_bytes(card.key)))?;
        let mut card = card.clone();
        card.addresses.truncate(MAX_ADDRESSES);
        let knock = self.knock(peer);
        let mut list = self.list();
        if let Some(guest) = list.peers.get_mut(&peer).filter(|guest| guest.card.key == card.key) {
            guest.card = card;
            return Ok(());
        }
        list.knocks.insert(knock, peer);
        if let Some(before) = list.peers.insert(peer, Guest { peer, card, over: parent.child_token() }) {
            before.over.cancel();
        }
        Ok(())
    }

    /// Closes the door to `peer` and ends what it has open there.
    pub(crate) fn expel(&self, peer: PeerId) {
        let knock = self.knock(peer);
        let mut list = self.list();
        list.knocks.remove(&knock);
        if let Some(guest) = list.peers.remove(&peer) {
            guest.over.cancel();
        }
    }

    pub(crate) fn find(&self, peer: PeerId) -> Option<Guest> {
        self.list().peers.get(&peer).cloned()
    }

    /// Whose knock this is.
    pub(crate) fn by_knock(&self, said: &[u8]) -> Option<Guest> {
        let said: [u8; KNOCK] = said.try_into().ok()?;
        let list = self.list();
        list.peers.get(list.knocks.get(&said)?).cloned()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use iroh::SecretKey;

    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn card(number: u8) -> DirectCard {
        let key = *SecretKey::from_bytes(&[number; 32]).public().as_bytes();
        let addresses = vec![([192, 0, 2, 1], 1).into(); 100];
        DirectCard { key, knock: [0; KNOCK], addresses, relay: None }
    }

    #[test]
    fn a_knock_is_one_peers_and_one_doors() {
        let door = Admitted::new([1; 32]);
        assert_eq!(door.knock(peer(1)), door.knock(peer(1)));
        assert_ne!(door.knock(peer(1)), door.knock(peer(2)));
        assert_ne!(door.knock(peer(1)), Admitted::new([2; 32]).knock(peer(1)));
    }

    #[test]
    fn a_knock_opens_from_admit_to_expel() {
        let (door, all) = (Admitted::new([1; 32]), CancellationToken::new());
        let knock = door.knock(peer(1));
        let open = |knock: &[u8]| door.by_knock(knock).map(|guest| guest.peer);
        assert_eq!(open(&knock), None);
        door.admit(peer(1), &card(9), &all).unwrap();
        let guest = door.find(peer(1)).unwrap();
        assert_eq!((open(&knock), guest.card.addresses.len()), (Some(peer(1)), MAX_ADDRESSES));
        assert_eq!(open(&knock[1..]), None);
        door.expel(peer(1));
        assert_eq!(open(&knock), None);
        assert!(guest.over.is_cancelled() && !all.is_cancelled());
    }

    #[test]
    fn fresh_addresses_keep_links_and_a_fresh_key_does_not() {
        let (door, all) = (Admitted::new([1; 32]), CancellationToken::new());
        door.admit(peer(1), &card(9), &all).unwrap();
        let guest = door.find(peer(1)).unwrap();
        door.admit(peer(1), &DirectCard { addresses: Vec::new(), ..card(9) }, &all).unwrap();
        assert!(!guest.over.is_cancelled() && door.find(peer(1)).unwrap().card.addresses.is_empty());
        door.admit(peer(1), &card(8), &all).unwrap();
        assert!(guest.over.is_cancelled() && !door.find(peer(1)).unwrap().over.is_cancelled());
    }

    #[test]
    fn bytes_that_are_no_key_are_not_admitted() {
        let (door, mut wrong) = (Admitted::new([1; 32]), card(1));
        // y = 2 is on no point of the curve.
        wrong.key = [0; 32];
        wrong.key[0] = 2;
        let refused = door.admit(peer(1), &wrong, &CancellationToken::new()).unwrap_err();
        assert!(matches!(refused, NetError::BadKey(_)), "{refused:?}");
    }
}

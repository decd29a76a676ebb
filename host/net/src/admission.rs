//! The peers that may connect to the direct endpoint, and the tokens that identify them before any handshake.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coworker_policy::PeerId;
use iroh::EndpointId;
use tokio_util::sync::CancellationToken;

use crate::error::NetError;

/// Length of an admission token.
pub const ADMISSION_TOKEN_BYTES: usize = 16;

/// Most addresses that are kept of a card. A peer chooses its card, and we dial each address.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// Tells a peer how to reach an agent's direct endpoint. It contains addresses, so it is sent to accepted peers
/// only, inside the encrypted session. Each peer gets its own card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectCard {
    /// The key of the direct endpoint, which is not the identity key.
    pub key: [u8; 32],
    /// The token that this peer presents when it connects. Invalid once the peer is expelled.
    pub admission_token: [u8; ADMISSION_TOKEN_BYTES],
    pub addresses: Vec<SocketAddr>,
    pub relay: Option<String>,
}

/// The peers that are admitted to the direct endpoint.
pub(crate) struct Admission {
    seed: [u8; 32],
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    peers: HashMap<PeerId, AdmittedPeer>,
    tokens: HashMap<[u8; ADMISSION_TOKEN_BYTES], PeerId>,
}

/// A peer that is admitted to our direct endpoint, and whose direct endpoint we may dial.
#[derive(Clone)]
pub(crate) struct AdmittedPeer {
    pub(crate) peer: PeerId,
    /// The card that the peer sent us.
    pub(crate) card: DirectCard,
    /// Ends the peer's direct links.
    pub(crate) cancel: CancellationToken,
}

impl Admission {
    /// `seed` is that of the direct endpoint. Admission tokens are derived from it.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, list: Mutex::default() }
    }

    /// The admission token of `peer`. It never changes, so old cards stay valid.
    pub(crate) fn token(&self, peer: PeerId) -> [u8; ADMISSION_TOKEN_BYTES] {
        let key = blake3::derive_key("coworker 2026-11 knock at the direct door", &self.seed);
        let mut token = [0; ADMISSION_TOKEN_BYTES];
        blake3::Hasher::new_keyed(&key).update(peer.as_bytes()).finalize_xof().fill(&mut token);
        token
    }

    /// Admits `peer` as the holder of the card's key. If that key has changed, the peer's direct links end.
    pub(crate) fn admit(
        &self,
        peer: PeerId,
        card: &DirectCard,
        parent: &CancellationToken,
    ) -> Result<(), NetError> {
        EndpointId::from_bytes(&card.key).map_err(|_| NetError::BadKey(PeerId::from_bytes(card.key)))?;
        let mut card = card.clone();
        card.addresses.truncate(MAX_ADDRESSES);
        let token = self.token(peer);
        let mut list = self.list();
        if let Some(known) = list.peers.get_mut(&peer).filter(|known| known.card.key == card.key) {
            known.card = card;
            return Ok(());
        }
        list.tokens.insert(token, peer);
        let admitted = AdmittedPeer { peer, card, cancel: parent.child_token() };
        if let Some(before) = list.peers.insert(peer, admitted) {
            before.cancel.cancel();
        }
        Ok(())
    }

    /// Ends the admission of `peer` and its direct links.
    pub(crate) fn expel(&self, peer: PeerId) {
        let token = self.token(peer);
        let mut list = self.list();
        list.tokens.remove(&token);
        if let Some(admitted) = list.peers.remove(&peer) {
            admitted.cancel.cancel();
        }
    }

    pub(crate) fn find(&self, peer: PeerId) -> Option<AdmittedPeer> {
        self.list().peers.get(&peer).cloned()
    }

    /// Finds the peer of an admission token.
    pub(crate) fn by_token(&self, token: &[u8]) -> Option<AdmittedPeer> {
        let token: [u8; ADMISSION_TOKEN_BYTES] = token.try_into().ok()?;
        let list = self.list();
        list.peers.get(list.tokens.get(&token)?).cloned()
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
        DirectCard { key, admission_token: [0; ADMISSION_TOKEN_BYTES], addresses, relay: None }
    }

    #[test]
    fn a_token_belongs_to_one_peer_and_one_endpoint() {
        let admission = Admission::new([1; 32]);
        assert_eq!(admission.token(peer(1)), admission.token(peer(1)));
        assert_ne!(admission.token(peer(1)), admission.token(peer(2)));
        assert_ne!(admission.token(peer(1)), Admission::new([2; 32]).token(peer(1)));
    }

    #[test]
    fn a_token_is_valid_from_admission_to_expulsion() {
        let (admission, all) = (Admission::new([1; 32]), CancellationToken::new());
        let token = admission.token(peer(1));
        let open = |token: &[u8]| admission.by_token(token).map(|admitted| admitted.peer);
        assert_eq!(open(&token), None);
        admission.admit(peer(1), &card(9), &all).unwrap();
        let found = admission.find(peer(1)).unwrap();
        assert_eq!((open(&token), found.card.addresses.len()), (Some(peer(1)), MAX_ADDRESSES));
        assert_eq!(open(&token[1..]), None);
        admission.expel(peer(1));
        assert_eq!(open(&token), None);
        assert!(found.cancel.is_cancelled() && !all.is_cancelled());
    }

    #[test]
    fn new_addresses_keep_direct_links_and_a_new_key_ends_them() {
        let (admission, all) = (Admission::new([1; 32]), CancellationToken::new());
        admission.admit(peer(1), &card(9), &all).unwrap();
        let found = admission.find(peer(1)).unwrap();
        admission.admit(peer(1), &DirectCard { addresses: Vec::new(), ..card(9) }, &all).unwrap();
        assert!(!found.cancel.is_cancelled() && admission.find(peer(1)).unwrap().card.addresses.is_empty());
        admission.admit(peer(1), &card(8), &all).unwrap();
        assert!(found.cancel.is_cancelled() && !admission.find(peer(1)).unwrap().cancel.is_cancelled());
    }

    #[test]
    fn a_card_with_an_invalid_key_is_refused() {
        let (admission, mut wrong) = (Admission::new([1; 32]), card(1));
        // No point of the curve has y = 2.
        wrong.key = [0; 32];
        wrong.key[0] = 2;
        let refused = admission.admit(peer(1), &wrong, &CancellationToken::new()).unwrap_err();
        assert!(matches!(refused, NetError::BadKey(_)), "{refused:?}");
    }
}

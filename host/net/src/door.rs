//! Where links that peers open are let in, and who may take up how much of us before being known.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coworker_policy::PeerId;
use iroh::Endpoint;
use iroh::endpoint::{Connection, Incoming, IncomingAddr, RecvStream, SendStream, VarInt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::Link;
use crate::admitted::{Admitted, Guest, KNOCK};
use crate::halfopen::{HalfOpen, Source};
use crate::link::{End, Held, Links};
use crate::wire::{self, Wire};

/// The first byte on the stream. Versions of what follows are told apart by it.
pub(crate) const VERSION: u8 = 1;

/// From a first packet to an open stream.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Links that peers opened, at one time.
const INBOUND: usize = 1024;
/// … and of these, by one key. An honest peer has one, and one more while it replaces it.
const INBOUND_OF_ONE: usize = 8;

/// Protocols that a first packet may offer before we stop looking for a knock.
const OFFERS: usize = 4;

const CODE_BUSY: VarInt = VarInt::from_u32(1);
const CODE_VERSION: VarInt = VarInt::from_u32(2);

/// Which of an agent's doors a link went through. It says nothing about the peer's rights: those hang on who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// The identity's own endpoint.
    Front,
    /// The endpoint that only admitted peers know.
    Direct,
}

#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) links: Links,
    pub(crate) station: Arc<()>,
    arrivals: mpsc::Sender<Link>,
    inbound: Inbound,
    half_open: HalfOpen,
    /// Who is known here by something other than the identity's key.
    guests: Option<Arc<Admitted>>,
    /// Whether it is open to these alone.
    guests_only: bool,
}

impl Door {
    /// Open to anyone.
    pub(crate) fn new(links: Links, arrivals: mpsc::Sender<Link>, guests: Option<Arc<Admitted>>) -> Self {
        let (station, inbound, half_open) = (Arc::default(), Inbound::default(), HalfOpen::default());
        Self { links, station, arrivals, inbound, half_open, guests, guests_only: false }
    }

    pub(crate) fn guests_only(self) -> Self {
        Self { guests_only: true, ..self }
    }

    /// Anyone can send a first packet, from any claimed address, so little is spent on it.
    fn admit(&self, incoming: Incoming) {
        let guest = self.guests.as_ref().and_then(|guests| expected(guests, &incoming));
        if guest.is_none() && self.guests_only {
            // Silence: whoever is not expected does not even learn that somebody is here.
            return incoming.ignore();
        }
        if self.half_open.is_crowded() && !incoming.remote_addr_validated() {
            // It fails for validated addresses only.
            drop(incoming.retry());
            return;
        }
        let place = self.half_open.enter(Source::of(&incoming.remote_addr()));
        let door = self.clone();
        self.links.tasks.spawn(async move {
            tokio::select! {
                () = door.links.shutdown.cancelled() => {}
                () = place.lost.cancelled() => tracing::debug!("a half-open connection made way for another"),
                result = timeout(HANDSHAKE, door.receive(incoming, guest)) => match result {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(error = &*error as &dyn Error, "an incoming connection failed"),
                    Err(_) => tracing::debug!("an incoming connection took too long to open its stream"),
                },
            }
        });
    }

    async fn receive(
        &self,
        incoming: Incoming,
        guest: Option<Guest>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let connection = incoming.accept()?.await?;
        let key = *connection.remote_id().as_bytes();
        if guest.as_ref().is_some_and(|guest| guest.card.key != key) {
            connection.close(CODE_BUSY, b"busy");
            return Err("a known knock from an unknown key".into());
        }
        let Some(seat) = self.inbound.take(key) else {
            connection.close(CODE_BUSY, b"busy");
            return Err("too many links".into());
        };
        let (send, mut receive) = connection.accept_bi().await?;
        let mut version = [0];
        receive.read_exact(&mut version).await?;
        if version != [VERSION] {
            connection.close(CODE_VERSION, b"unknown version");
            return Err(format!("unknown stream version {}", version[0]).into());
        }
        let held: Held = Box::new((seat, Arc::clone(&self.station)));
        let mut end = end(connection, send, receive, false, guest.as_ref());
        end.held = Some(held);
        self.deliver(end).await;
        Ok(())
    }

    async fn deliver(&self, end: End) {
        // The seat first: a link that nobody takes is never started.
        if let Ok(seat) = self.arrivals.reserve().await {
            seat.send(self.links.start(end));
        }
    }
}

/// Takes connections until the endpoint closes.
pub(crate) async fn listen(endpoint: Endpoint, door: Door) {
    loop {
        let incoming = tokio::select! {
            () = door.links.shutdown.cancelled() => return,
            incoming = endpoint.accept() => incoming,
        };
        match incoming {
            Some(incoming) => door.admit(incoming),
            None => return,
        }
    }
}

/// Who is at the door, before any answer. Our addresses go out as soon as a handshake is done, so asking later
/// would be too late. A relay vouches for the key; over IP, only what is said tells.
fn expected(guests: &Admitted, incoming: &Incoming) -> Option<Guest> {
    let offers = incoming.decrypt()?.alpns()?;
    let guest = offers
        .take(OFFERS)
        .filter_map(Result::ok)
        .find_map(|offer| guests.by_knock(offer.strip_prefix(KNOCK_PREFIX)?))?;
    match incoming.remote_addr() {
        IncomingAddr::Relay { endpoint_id, .. } => {
            (*endpoint_id.as_bytes() == guest.card.key).then_some(guest)
        }
        IncomingAddr::Ip(_) => Some(guest),
        _ => None,
    }
}

const KNOCK_PREFIX: &[u8] = b"coworker/knock/";

/// The knock as an application protocol that nobody speaks.
pub(crate) fn offer(knock: &[u8; KNOCK]) -> Vec<u8> {
    [KNOCK_PREFIX, knock].concat()
}

/// `guest`: at a direct door the key is not the identity; whose it is was told inside a session of that identity.
pub(crate) fn end(
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    dialed: bool,
    guest: Option<&Guest>,
) -> End {
    End {
        peer: guest
            .map_or_else(|| PeerId::from_bytes(*connection.remote_id().as_bytes()), |guest| guest.peer),
        dialed,
        entrance: if guest.is_some() { Entrance::Direct } else { Entrance::Front },
        sink: wire::Sink::Quic(send),
        source: wire::Source::Quic(receive),
        wire: Wire::Quic(connection),
        over: guest.map(|guest| guest.over.clone()),
        held: None,
    }
}

/// Links that peers opened, in all and by key.
#[derive(Clone)]
struct Inbound {
    all: Arc<Semaphore>,
    by_key: Arc<Mutex<HashMap<[u8; 32], usize>>>,
}

struct Taken {
    _of_all: OwnedSemaphorePermit,
    by_key: Arc<Mutex<HashMap<[u8; 32], usize>>>,
    key: [u8; 32],
}

impl Default for Inbound {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(INBOUND)), by_key: Arc::default() }
    }
}

impl Inbound {
    fn take(&self, key: [u8; 32]) -> Option<Taken> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let held = by_key.entry(key).or_default();
        if *held >= INBOUND_OF_ONE {
            return None;
        }
        *held += 1;
        Some(Taken { _of_all: of_all, by_key: Arc::clone(&self.by_key), key })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = by_key.get_mut(&self.key) {
            *held -= 1;
            if *held == 0 {
                by_key.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_takes_a_few_seats_and_leaves_the_others() {
        let inbound = Inbound::default();
        let mut seats: Vec<_> = (0..INBOUND_OF_ONE).map(|_| inbound.take([1; 32]).unwrap()).collect();
        assert!(inbound.take([1; 32]).is_none());
        assert!(inbound.take([2; 32]).is_some());
        seats.pop();
        seats.push(inbound.take([1; 32]).unwrap());
        drop(seats);
        assert!(inbound.by_key.lock().unwrap().is_empty());
        assert_eq!(inbound.all.available_permits(), INBOUND);
    }
}

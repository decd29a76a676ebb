//! Accepting the links that peers open, and limiting the resources that unknown peers can use.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coworker_policy::PeerId;
use iroh::Endpoint;
use iroh::endpoint::{Connection, Incoming, IncomingAddr, RecvStream, SendStream, VarInt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::admission::{ADMISSION_TOKEN_BYTES, Admission, AdmittedPeer};
use crate::half_open::{HalfOpen, Source};
use crate::link::{EndpointKind, Held, Link, LinkEnd, Links};
use crate::wire::{self, Wire};

/// The first byte on the stream, the version of the bytes after it.
pub(crate) const VERSION: u8 = 1;

/// Time limit from the first packet to the open stream.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Most links that peers have opened.
const INBOUND: usize = 1024;
/// Most links that one key has opened. An honest peer has one, and a second one while it replaces the first.
const INBOUND_PER_KEY: usize = 8;

/// How many offered protocols of a first packet are searched for an admission token.
const MAX_OFFERS: usize = 4;

const CODE_BUSY: VarInt = VarInt::from_u32(1);
const CODE_VERSION: VarInt = VarInt::from_u32(2);

/// Accepts connections at one endpoint.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) links: Links,
    /// Cloned into every link of the endpoint, so that they can be counted.
    pub(crate) link_count: Arc<()>,
    arrivals: mpsc::Sender<Link>,
    inbound: Inbound,
    half_open: HalfOpen,
    /// The peers that may present an admission token here.
    admission: Option<Arc<Admission>>,
    /// Ignore all other peers.
    admitted_only: bool,
}

impl Listener {
    /// Accepts all peers.
    pub(crate) fn new(links: Links, arrivals: mpsc::Sender<Link>, admission: Option<Arc<Admission>>) -> Self {
        let (link_count, inbound, half_open) = (Arc::default(), Inbound::default(), HalfOpen::default());
        Self { links, link_count, arrivals, inbound, half_open, admission, admitted_only: false }
    }

    pub(crate) fn admitted_only(self) -> Self {
        Self { admitted_only: true, ..self }
    }

    /// Handles a first packet. Any host can send one from a forged address, so this uses few resources.
    fn handle(&self, incoming: Incoming) {
        let admitted = self.admission.as_ref().and_then(|admission| identify(admission, &incoming));
        if admitted.is_none() && self.admitted_only {
            // No answer at all, so that a stranger cannot find out that this endpoint exists.
            return incoming.ignore();
        }
        if self.half_open.is_crowded() && !incoming.remote_addr_validated() {
            // `retry` fails only for validated addresses.
            drop(incoming.retry());
            return;
        }
        let slot = self.half_open.enter(Source::of(&incoming.remote_addr()));
        let listener = self.clone();
        self.links.tasks.spawn(async move {
            tokio::select! {
                () = listener.links.shutdown.cancelled() => {}
                () = slot.evicted.cancelled() => tracing::debug!("evicted a half-open connection"),
                result = timeout(HANDSHAKE_TIMEOUT, listener.receive(incoming, admitted)) => match result {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(error = &*error as &dyn Error, "an incoming connection failed"),
                    Err(_) => tracing::debug!("an incoming connection did not open its stream in time"),
                },
            }
        });
    }

    async fn receive(
        &self,
        incoming: Incoming,
        admitted: Option<AdmittedPeer>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let connection = incoming.accept()?.await?;
        let key = *connection.remote_id().as_bytes();
        if admitted.as_ref().is_some_and(|admitted| admitted.card.key != key) {
            connection.close(CODE_BUSY, b"busy");
            return Err("the admission token belongs to another key".into());
        }
        let Some(slot) = self.inbound.take(key) else {
            connection.close(CODE_BUSY, b"busy");
            return Err("the peer has too many links".into());
        };
        let (send, mut receive) = connection.accept_bi().await?;
        let mut version = [0];
        receive.read_exact(&mut version).await?;
        if version != [VERSION] {
            connection.close(CODE_VERSION, b"unknown version");
            return Err(format!("unknown stream version {}", version[0]).into());
        }
        let held: Held = Box::new((slot, Arc::clone(&self.link_count)));
        let mut end = end(connection, send, receive, false, admitted.as_ref());
        end.held = Some(held);
        self.deliver(end).await;
        Ok(())
    }

    async fn deliver(&self, end: LinkEnd) {
        // Reserve first, so that a link is started only if it will be accepted.
        if let Ok(slot) = self.arrivals.reserve().await {
            slot.send(self.links.start(end));
        }
    }
}

/// Accepts connections until the endpoint closes.
pub(crate) async fn listen(endpoint: Endpoint, listener: Listener) {
    loop {
        let incoming = tokio::select! {
            () = listener.links.shutdown.cancelled() => return,
            incoming = endpoint.accept() => incoming,
        };
        match incoming {
            Some(incoming) => listener.handle(incoming),
            None => return,
        }
    }
}

/// Identifies an admitted peer by its first packet. A handshake reveals our addresses, so this happens before any
/// answer. A relay has verified the peer's key. Over IP only the token is known so far.
fn identify(admission: &Admission, incoming: &Incoming) -> Option<AdmittedPeer> {
    let offers = incoming.decrypt()?.alpns()?;
    let admitted = offers
        .take(MAX_OFFERS)
        .filter_map(Result::ok)
        .find_map(|offer| admission.by_token(offer.strip_prefix(TOKEN_PREFIX)?))?;
    match incoming.remote_addr() {
        IncomingAddr::Relay { endpoint_id, .. } => {
            (*endpoint_id.as_bytes() == admitted.card.key).then_some(admitted)
        }
        IncomingAddr::Ip(_) => Some(admitted),
        _ => None,
    }
}

const TOKEN_PREFIX: &[u8] = b"coworker/knock/";

/// Encodes an admission token as the name of an application protocol, which is offered but never selected.
pub(crate) fn offer(token: &[u8; ADMISSION_TOKEN_BYTES]) -> Vec<u8> {
    [TOKEN_PREFIX, token].concat()
}

/// Builds the end of a link. The key of a direct endpoint is not an identity key, so the identity then comes from
/// `admitted`.
pub(crate) fn end(
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    dialed: bool,
    admitted: Option<&AdmittedPeer>,
) -> LinkEnd {
    LinkEnd {
        peer: admitted
            .map_or_else(|| PeerId::from_bytes(*connection.remote_id().as_bytes()), |admitted| admitted.peer),
        dialed,
        endpoint: if admitted.is_some() { EndpointKind::Direct } else { EndpointKind::Identity },
        sink: wire::Sink::Quic(send),
        source: wire::Source::Quic(receive),
        wire: Wire::Quic(connection),
        cancel: admitted.map(|admitted| admitted.cancel.clone()),
        held: None,
    }
}

/// Counts the links that peers have opened, in total and by key.
#[derive(Clone)]
struct Inbound {
    all: Arc<Semaphore>,
    by_key: Arc<Mutex<HashMap<[u8; 32], usize>>>,
}

struct InboundSlot {
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
    fn take(&self, key: [u8; 32]) -> Option<InboundSlot> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let held = by_key.entry(key).or_default();
        if *held >= INBOUND_PER_KEY {
            return None;
        }
        *held += 1;
        Some(InboundSlot { _of_all: of_all, by_key: Arc::clone(&self.by_key), key })
    }
}

impl Drop for InboundSlot {
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
    fn one_key_can_open_only_a_few_links() {
        let inbound = Inbound::default();
        let mut slots: Vec<_> = (0..INBOUND_PER_KEY).map(|_| inbound.take([1; 32]).unwrap()).collect();
        assert!(inbound.take([1; 32]).is_none());
        assert!(inbound.take([2; 32]).is_some());
        slots.pop();
        slots.push(inbound.take([1; 32]).unwrap());
        drop(slots);
        assert!(inbound.by_key.lock().unwrap().is_empty());
        assert_eq!(inbound.all.available_permits(), INBOUND);
    }
}

//! One connection: the handshake that ends in a session, then its frames until it ends.

use std::net::SocketAddr;
use std::time::Duration;

use coworker_channel::{
    BadFrame, Frame, Hello, MAX_FRAME, MAX_HANDSHAKE_FRAME, Position, SessionId, VERSION,
};
use coworker_net::{DialHints, Link, NetError, Network};
use coworker_policy::PeerId;

use crate::link::links::Links;
use crate::link::{nearby, strangers};
use crate::state::{Line, LinkId, StateError, Transaction};

const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the peer sent a malformed frame")]
    Frame(#[from] BadFrame),
    #[error("the peer speaks version {0} of the protocol, this coworker version {VERSION}")]
    Version(u8),
    #[error("the peer broke off the handshake")]
    BrokenOff,
    #[error("the peer sent the wrong message in the handshake")]
    OutOfOrder,
    #[error("the handshake took too long")]
    Slow,
    #[error("both sides dialled; the other connection stands")]
    Superseded,
}

/// The result of a handshake.
struct Agreed {
    session: SessionId,
    /// The last batch of ours that the peer has.
    received: u64,
}

impl Links {
    /// Takes connections until the network closes. Each is handled in a task of its own.
    pub(super) async fn accept(self, network: Network) {
        let _agent = self.handler().ok().and_then(|handler| handler.keep_alive());
        while let Some(link) = network.accept().await {
            let links = self.clone();
            self.core.tasks.spawn(async move {
                let peer = link.peer;
                if let Err(error) = links.establish(link).await {
                    tracing::info!(%peer, %error, "a connection came to nothing");
                }
            });
        }
    }

    /// Connects to `peer` unless it is connected. Tasks that come while another dials wait for its result.
    pub(crate) async fn ensure(&self, peer: PeerId) -> Result<(), ConnectionError> {
        let dialling = self.dialling(peer);
        let _turn = dialling.lock().await;
        if self.presence.is_linked(peer) {
            return Ok(());
        }
        self.dial(peer).await
    }

    /// Connects to `peer` and returns once a session stands. Addresses come from the database, from the notices of
    /// this machine's agents, and from the local network.
    async fn dial(&self, peer: PeerId) -> Result<(), ConnectionError> {
        let stored = self.state.run(move |tx| Ok(tx.store.peer(peer)?)).await?;
        let mut addresses = nearby::look_up(self.core.home.dir(), peer);
        let mut relay = self.core.config.network.relays.first().cloned();
        if let Some(stored) = stored {
            let parsed = stored.addresses.iter().filter_map(|address| address.parse::<SocketAddr>().ok());
            addresses.extend(parsed);
            relay = stored.relay.or(relay);
        }
        let link = self.network().await?.dial(peer, &DialHints { addresses, relay }, DIAL_TIMEOUT).await?;
        self.establish(link).await
    }

    /// Shakes hands, then leaves the connection to a task of its own.
    pub(super) async fn establish(&self, mut link: Link) -> Result<(), ConnectionError> {
        let (peer, endpoint, id) = (link.peer, link.endpoint, LinkId::next());
        let handler = self.handler()?;
        let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.shake_hands(&mut link)).await;
        let agreed = match shaken.unwrap_or(Err(ConnectionError::Slow)) {
            Ok(agreed) => agreed,
            Err(error) => {
                link.sender.close("handshake failed");
                // Only the dialled side hands out a key package; if we dialled, ours belongs to another connection.
                if !link.dialed {
                    self.state.run(move |tx| tx.drop_key_package(peer)).await?;
                }
                return Err(error);
            }
        };
        let sender = link.sender.clone();
        let up = move |tx: &mut Transaction<'_>| {
            strangers::meet(tx, peer)?;
            tx.link_up(peer, Line { id, endpoint, sender }, agreed.session, agreed.received)?;
            handler.linked(tx, peer)
        };
        if let Err(error) = self.state.run(up).await {
            // The state actor may remember the link, though the rows were undone.
            self.state.run(move |tx| tx.link_down(peer, id)).await?;
            return Err(error.into());
        }
        self.direct.wake();
        self.core.tasks.spawn(self.clone().read(link, id));
        Ok(())
    }

    async fn shake_hands(&self, link: &mut Link) -> Result<Agreed, ConnectionError> {
        let (ours, theirs) = if link.dialed {
            let ours = self.say_hello(link).await?;
            (ours, hear_hello(link).await?)
        } else {
            let theirs = hear_hello(link).await?;
            (self.say_hello(link).await?, theirs)
        };
        match (theirs.version, common(&ours, &theirs)) {
            (VERSION, Some(theirs)) => Ok(Agreed { session: theirs.session, received: theirs.received }),
            (VERSION, None) if link.dialed => self.create(link, ours).await,
            (VERSION, None) => self.join(link, ours).await,
            (version, _) => Err(ConnectionError::Version(version)),
        }
    }

    async fn say_hello(&self, link: &Link) -> Result<Hello, ConnectionError> {
        let peer = link.peer;
        let ours = self.state.run(move |tx| tx.hello(peer)).await?;
        send(link, &Frame::Hello(ours))?;
        Ok(ours)
    }

    /// The dialling side makes the session from the other's key package.
    async fn create(&self, link: &mut Link, ours: Hello) -> Result<Agreed, ConnectionError> {
        let peer = link.peer;
        let Frame::KeyPackage(package) = next(link).await? else { return Err(ConnectionError::OutOfOrder) };
        let created = self.state.run(move |tx| tx.create_session(peer, &ours, &package)).await?;
        let (session, welcome) = created.ok_or(ConnectionError::Superseded)?;
        send(link, &Frame::Welcome(welcome))?;
        Ok(Agreed { session, received: 0 })
    }

    async fn join(&self, link: &mut Link, ours: Hello) -> Result<Agreed, ConnectionError> {
        let (peer, us) = (link.peer, self.core.us);
        let package = self.state.run(move |tx| tx.key_package(peer)).await?;
        send(link, &Frame::KeyPackage(package))?;
        let Frame::Welcome(welcome) = next(link).await? else { return Err(ConnectionError::OutOfOrder) };
        let joined = self.state.run(move |tx| tx.join_session(peer, us, &ours, &welcome)).await?;
        Ok(Agreed { session: joined.ok_or(ConnectionError::Superseded)?, received: 0 })
    }

    async fn read(self, mut link: Link, id: LinkId) {
        let peer = link.peer;
        let ended = tokio::select! {
            ended = self.read_frames(&mut link) => ended,
            () = self.core.stop.cancelled() => Ok(()),
        };
        match ended {
            Ok(()) => link.sender.close("done"),
            Err(error) => {
                let ours = matches!(&error, ConnectionError::State(error) if !error.is_peer_fault());
                if ours {
                    tracing::error!(%peer, %error, "a connection was dropped");
                } else {
                    tracing::info!(%peer, %error, "a connection broke");
                }
                link.sender.close("error");
            }
        }
        if self.state.run(move |tx| tx.link_down(peer, id)).await.is_ok() {
            self.deliver_mail(peer);
        }
    }

    async fn read_frames(&self, link: &mut Link) -> Result<(), ConnectionError> {
        let (peer, handler) = (link.peer, self.handler()?);
        while let Some(bytes) = link.receiver.recv(MAX_FRAME).await? {
            match Frame::decode(&bytes)? {
                Frame::Sealed { session, seq, ciphertext } => {
                    handler.batch(peer, session, seq, ciphertext).await?;
                }
                Frame::Ack { session, seq } => {
                    // An acknowledgement only deletes rows, so the next frame does not wait for its commit.
                    self.state.tell(move |tx| tx.acknowledged(peer, session, seq)).await?;
                }
                Frame::Hello(_) | Frame::KeyPackage(_) | Frame::Welcome(_) => {
                    return Err(ConnectionError::OutOfOrder);
                }
            }
        }
        Ok(())
    }
}

async fn hear_hello(link: &mut Link) -> Result<Hello, ConnectionError> {
    match next(link).await? {
        Frame::Hello(theirs) => Ok(theirs),
        _ => Err(ConnectionError::OutOfOrder),
    }
}

/// The session that both sides have. Both come to the same answer: it depends on both hellos and is symmetric.
fn common(ours: &Hello, theirs: &Hello) -> Option<Position> {
    let (ours, theirs) = (ours.position?, theirs.position?);
    ours.fits(&theirs).then_some(theirs)
}

/// Frames of the handshake are small: an unknown peer gets no large buffer.
async fn next(link: &mut Link) -> Result<Frame, ConnectionError> {
    let bytes = link.receiver.recv(MAX_HANDSHAKE_FRAME).await?.ok_or(ConnectionError::BrokenOff)?;
    Ok(Frame::decode(&bytes)?)
}

fn send(link: &Link, frame: &Frame) -> Result<(), ConnectionError> {
    link.sender.send(frame.encode()).map_err(|_| ConnectionError::BrokenOff)
}

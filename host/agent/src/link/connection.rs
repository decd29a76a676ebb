//! One connection: the handshake that ends in a session, then its frames until it ends.

use std::net::SocketAddr;
use std::time::Duration;

use coworker_channel::{
    BadFrame, Frame, Hello, MAX_FRAME, MAX_HANDSHAKE_FRAME, Position, SessionId, VERSION,
};
use coworker_net::{DialHints, Link, NetError, Network};
use coworker_policy::PeerId;

use crate::agent::Agent;
use crate::groups;
use crate::intake;
use crate::link::nearby;
use crate::state::{Line, LinkId, StateError};

const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    StateActor(#[from] StateError),
    #[error("the peer sent a malformed frame")]
    Frame(#[from] BadFrame),
    #[error("the peer speaks version {0} of the wire, this coworker version {VERSION}")]
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

/// Which session both sides agreed on, and what of our mail the peer already has.
struct Agreed {
    session: SessionId,
    received: u64,
}

/// Takes connections until the network closes. Each peer's are handled side by side with the others'.
pub(crate) async fn accept(agent: Agent, network: Network) {
    while let Some(link) = network.accept().await {
        let agent = agent.clone();
        agent.tasks.clone().spawn(async move {
            let peer = link.peer;
            if let Err(error) = establish(&agent, link).await {
                tracing::info!(%peer, %error, "a connection came to nothing");
            }
        });
    }
}

/// Connects to `peer` unless it is connected. Who comes while somebody dials waits for that.
pub(crate) async fn ensure(agent: &Agent, peer: PeerId) -> Result<(), ConnectionError> {
    let dialling = agent.dialling(peer);
    let _turn = dialling.lock().await;
    if agent.state.run(move |tx| Ok(tx.is_linked(peer))).await? {
        return Ok(());
    }
    dial(agent, peer).await
}

/// Connects to `peer` and returns once a session stands. Addresses come from what is stored, what this
/// machine's agents announce, and the local network.
async fn dial(agent: &Agent, peer: PeerId) -> Result<(), ConnectionError> {
    let stored = agent.state.run(move |tx| Ok(tx.store.peer(peer)?)).await?;
    let mut addresses = nearby::look_up(agent.home.dir(), peer);
    let mut relay = agent.config.network.relays.first().cloned();
    if let Some(stored) = stored {
        addresses.extend(stored.addresses.iter().filter_map(|address| address.parse::<SocketAddr>().ok()));
        relay = stored.relay.or(relay);
    }
    let link = agent.network().await?.dial(peer, &DialHints { addresses, relay }, DIAL_TIMEOUT).await?;
    establish(agent, link).await
}

/// Shakes hands, then leaves the connection to a task of its own.
pub(crate) async fn establish(agent: &Agent, mut link: Link) -> Result<(), ConnectionError> {
    let (peer, endpoint, id) = (link.peer, link.endpoint, LinkId::next());
    let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, shake_hands(agent, &mut link)).await;
    let agreed = match shaken.unwrap_or(Err(ConnectionError::Slow)) {
        Ok(agreed) => agreed,
        Err(error) => {
            link.sender.close("handshake failed");
            // The side that was dialled hands a key package out; if we dialled, ours is another connection's.
            if !link.dialed {
                agent.state.run(move |tx| tx.drop_key_package(peer)).await?;
            }
            return Err(error);
        }
    };
    let sender = link.sender.clone();
    let greeting = agent.clone();
    let up = move |tx: &mut crate::state::Transaction<'_>| {
        intake::meet(tx, peer)?;
        tx.link_up(peer, Line { id, endpoint, sender }, agreed.session, agreed.received)?;
        groups::greet(&greeting, tx, peer)
    };
    if let Err(error) = agent.state.run(up).await {
        // The desk may remember the link, though the rows were undone.
        agent.state.run(move |tx| tx.link_down(peer, id)).await?;
        return Err(error.into());
    }
    agent.direct.wake();
    agent.tasks.spawn(read(agent.clone(), link, id));
    Ok(())
}

async fn shake_hands(agent: &Agent, link: &mut Link) -> Result<Agreed, ConnectionError> {
    let (ours, theirs) = if link.dialed {
        let ours = say_hello(agent, link).await?;
        (ours, hear_hello(link).await?)
    } else {
        let theirs = hear_hello(link).await?;
        (say_hello(agent, link).await?, theirs)
    };
    match (theirs.version, common(&ours, &theirs)) {
        (VERSION, Some(theirs)) => Ok(Agreed { session: theirs.session, received: theirs.received }),
        (VERSION, None) if link.dialed => create(agent, link, ours).await,
        (VERSION, None) => join(agent, link, ours).await,
        (version, _) => Err(ConnectionError::Version(version)),
    }
}

async fn say_hello(agent: &Agent, link: &Link) -> Result<Hello, ConnectionError> {
    let peer = link.peer;
    let ours = agent.state.run(move |tx| tx.hello(peer)).await?;
    send(link, &Frame::Hello(ours))?;
    Ok(ours)
}

async fn hear_hello(link: &mut Link) -> Result<Hello, ConnectionError> {
    match next(link).await? {
        Frame::Hello(theirs) => Ok(theirs),
        _ => Err(ConnectionError::OutOfOrder),
    }
}

/// Both sides come to the same answer: it takes both hellos, and is symmetric.
fn common(ours: &Hello, theirs: &Hello) -> Option<Position> {
    let (ours, theirs) = (ours.position?, theirs.position?);
    ours.fits(&theirs).then_some(theirs)
}

/// The dialling side makes the session out of the other's key package.
async fn create(agent: &Agent, link: &mut Link, ours: Hello) -> Result<Agreed, ConnectionError> {
    let peer = link.peer;
    let Frame::KeyPackage(package) = next(link).await? else { return Err(ConnectionError::OutOfOrder) };
    let created = agent.state.run(move |tx| tx.create_session(peer, &ours, &package)).await?;
    let (session, welcome) = created.ok_or(ConnectionError::Superseded)?;
    send(link, &Frame::Welcome(welcome))?;
    Ok(Agreed { session, received: 0 })
}

async fn join(agent: &Agent, link: &mut Link, ours: Hello) -> Result<Agreed, ConnectionError> {
    let (peer, us) = (link.peer, agent.us);
    let package = agent.state.run(move |tx| tx.key_package(peer)).await?;
    send(link, &Frame::KeyPackage(package))?;
    let Frame::Welcome(welcome) = next(link).await? else { return Err(ConnectionError::OutOfOrder) };
    let joined = agent.state.run(move |tx| tx.join_session(peer, us, &ours, &welcome)).await?;
    Ok(Agreed { session: joined.ok_or(ConnectionError::Superseded)?, received: 0 })
}

/// During the handshake frames are small: whoever is not known yet gets no large buffer.
async fn next(link: &mut Link) -> Result<Frame, ConnectionError> {
    let bytes = link.receiver.recv(MAX_HANDSHAKE_FRAME).await?.ok_or(ConnectionError::BrokenOff)?;
    Ok(Frame::decode(&bytes)?)
}

fn send(link: &Link, frame: &Frame) -> Result<(), ConnectionError> {
    link.sender.send(frame.encode()).map_err(|_| ConnectionError::BrokenOff)
}

async fn read(agent: Agent, mut link: Link, id: LinkId) {
    let peer = link.peer;
    let ended = tokio::select! {
        ended = read_frames(&agent, &mut link) => ended,
        () = agent.stop.cancelled() => Ok(()),
    };
    match ended {
        Ok(()) => link.sender.close("done"),
        Err(error) => {
            let ours = matches!(&error, ConnectionError::StateActor(error) if !error.is_peer_fault());
            if ours {
                tracing::error!(%peer, %error, "a connection was dropped");
            } else {
                tracing::info!(%peer, %error, "a connection broke");
            }
            link.sender.close("error");
        }
    }
    if agent.state.run(move |tx| tx.link_down(peer, id)).await.is_ok() {
        crate::link::redial::deliver_mail(&agent, peer).await;
    }
}

async fn read_frames(agent: &Agent, link: &mut Link) -> Result<(), ConnectionError> {
    let peer = link.peer;
    while let Some(bytes) = link.receiver.recv(MAX_FRAME).await? {
        match Frame::decode(&bytes)? {
            Frame::Sealed { session, seq, ciphertext } => {
                intake::take(agent, peer, session, seq, ciphertext).await?;
            }
            Frame::Ack { session, seq } => {
                // Nothing follows from it but deletions: what comes behind does not wait for their commit.
                agent.state.tell(move |tx| tx.acknowledged(peer, session, seq)).await?;
            }
            Frame::Hello(_) | Frame::KeyPackage(_) | Frame::Welcome(_) => {
                return Err(ConnectionError::OutOfOrder);
            }
        }
    }
    Ok(())
}

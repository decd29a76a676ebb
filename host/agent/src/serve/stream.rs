//! Progress and parts of a guest's output, on their way to the caller.
//!
//! They are useful only now: without a connection, or without room for too long, they are dropped, and the index of a
//! part tells the caller so. The answer, which is always complete, never waits for them.

use std::time::Duration;

use coworker_channel::Message;
use coworker_policy::{PeerId, RequestId};
use coworker_sandbox::{StreamBatch, StreamReceiver};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::base::observer::{CallObserver, Update};
use crate::state::{Ephemeral, StateActor, StateError};

/// How long a peer that reads too slowly holds up its own guest before parts are dropped.
const STALL: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// The reader of a guest's progress and parts.
pub(crate) enum Audience<'a> {
    Peer(PeerId),
    Owner(&'a CallObserver),
    /// Nobody reads them, but the result of this run of the owner goes on to others.
    Onwards,
}

/// Passes on everything until the guest is done. Once the call is `over` nothing waits any more.
pub(crate) async fn carry(
    state: &StateActor,
    id: RequestId,
    audience: &Audience<'_>,
    mut listener: StreamReceiver,
    over: &CancellationToken,
) {
    let mut timeout = STALL;
    while let Some(told) = listener.next().await {
        match audience {
            Audience::Owner(observer) => {
                for update in updates(id, told) {
                    observer.tell(update, over).await;
                }
            }
            Audience::Onwards => {}
            Audience::Peer(peer) => {
                let mail = encoded(id, told);
                match send(state, *peer, mail, timeout, over).await {
                    Ok(true) => timeout = STALL,
                    // A peer that did not read for that long gets no further wait until it reads.
                    Ok(false) => timeout = Duration::ZERO,
                    Err(error) => return tracing::debug!(%peer, %error, "what a guest told is lost"),
                }
            }
        }
    }
}

/// Returns false if there was no room for as long as `timeout`. A peer that is not connected always has room.
async fn send(
    state: &StateActor,
    peer: PeerId,
    mail: Vec<Vec<u8>>,
    timeout: Duration,
    over: &CancellationToken,
) -> Result<bool, StateError> {
    let give_up = Instant::now() + timeout;
    let mut mail = mail;
    loop {
        let unsent = match state.run(move |tx| tx.post_ephemeral(peer, mail)).await? {
            Ephemeral::Taken => return Ok(true),
            Ephemeral::NoRoom(unsent) => unsent,
        };
        if Instant::now() >= give_up || over.is_cancelled() {
            return Ok(false);
        }
        mail = unsent;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = over.cancelled() => {}
        }
    }
}

fn updates(id: RequestId, told: StreamBatch) -> impl Iterator<Item = Update> {
    let note = told.note.map(|note| Update::Progress { id, percent: note.percent(), note: note.into_text() });
    let parts = told.parts.into_iter();
    let parts = parts.map(move |part| Update::Partial { id, index: part.index(), part: part.into_text() });
    parts.chain(note)
}

fn encoded(id: RequestId, told: StreamBatch) -> Vec<Vec<u8>> {
    let message = |update| match update {
        Update::Progress { id, percent, note } => Some(Message::TaskProgress { id, percent, note }),
        Update::Partial { id, index, part } => Some(Message::TaskPartial { id, index, part }),
        // A guest sends neither of them.
        Update::Goal(_) | Update::Event(_) => None,
    };
    updates(id, told).filter_map(|update| message(update).map(|message| message.encode())).collect()
}

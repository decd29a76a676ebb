//! Couriers: where mail waits for a peer that is not connected, one task per peer keeps dialling, ever
//! more slowly, until the mail is taken or withdrawn.

use std::pin::Pin;
use std::sync::PoisonError;
use std::time::Duration;

use coworker_policy::PeerId;

use crate::agent::Agent;
use crate::link::connection;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends a courier if mail waits for `peer`.
pub(crate) async fn deliver_mail(agent: &Agent, peer: PeerId) {
    if agent.core.stop.is_cancelled() || !needed(agent, peer).await {
        return;
    }
    let redials = || agent.redials.lock().unwrap_or_else(PoisonError::into_inner);
    if !redials().insert(peer) {
        return;
    }
    let agent = agent.clone();
    agent.core.tasks.spawn(until_stopped(agent.clone(), peer));
}

/// Boxed: a courier dials, a connection that ends sends a courier, and a future cannot contain itself.
fn until_stopped(agent: Agent, peer: PeerId) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        tokio::select! {
            () = deliver(&agent, peer) => {}
            () = agent.core.stop.cancelled() => {}
        }
    })
}

async fn deliver(agent: &Agent, peer: PeerId) {
    let mut pause = FIRST_PAUSE;
    loop {
        while needed(agent, peer).await {
            match connection::ensure(agent, peer).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::debug!(%peer, %error, "cannot reach the peer yet");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            // Also after success: a peer that hangs up at once is not dialled without end.
            tokio::time::sleep(pause).await;
        }
        agent.redials.lock().unwrap_or_else(PoisonError::into_inner).remove(&peer);
        // Mail may have come between the last look and leaving the list.
        let again = needed(agent, peer).await;
        if !again || !agent.redials.lock().unwrap_or_else(PoisonError::into_inner).insert(peer) {
            return;
        }
    }
}

async fn needed(agent: &Agent, peer: PeerId) -> bool {
    let look = agent.state.run(move |tx| Ok(!tx.is_linked(peer) && tx.store.has_mail(peer)?));
    look.await.unwrap_or(false)
}

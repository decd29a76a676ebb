//! Signatures for receipts leave with whatever goes to the provider next; if nothing does, after a moment.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use coworker_policy::PeerId;

use crate::agent::Agent;
use crate::state::{StateError, Transaction};

/// How long a signature waits for company.
const MOMENT: Duration = Duration::from_millis(200);
/// How long an agent that stops waits for its last signatures to arrive. Those that do not are on disk, and
/// leave when the two are connected again.
const LAST_MOMENT: Duration = Duration::from_millis(300);
const GLANCE: Duration = Duration::from_millis(5);

pub(crate) fn send_soon(agent: &Agent, peer: PeerId) {
    if !unhurried(agent).insert(peer) {
        return;
    }
    let agent = agent.clone();
    agent.core.tasks.clone().spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(MOMENT) => {}
            () = agent.core.stop.cancelled() => return,
        }
        unhurried(&agent).remove(&peer);
        let send = move |tx: &mut Transaction<'_>| {
            tx.send_mail(peer);
            Ok(())
        };
        if let Err(error) = agent.state.tell(send).await {
            tracing::debug!(%peer, %error, "a signature waits for the next connection");
        }
    });
}

/// Sends what waits, and gives it a moment to arrive: a command that called a skill ends right after.
pub(crate) async fn send_now(agent: &Agent) {
    let peers = std::mem::take(&mut *unhurried(agent));
    if peers.is_empty() {
        return;
    }
    let arrive = async {
        let waiting = peers.clone();
        let send = move |tx: &mut Transaction<'_>| {
            for peer in waiting {
                tx.send_mail(peer);
            }
            Ok(())
        };
        agent.state.tell(send).await?;
        while on_the_way(agent, peers.clone()).await? {
            tokio::time::sleep(GLANCE).await;
        }
        Ok::<_, StateError>(())
    };
    let _ = tokio::time::timeout(LAST_MOMENT, arrive).await;
}

async fn on_the_way(agent: &Agent, peers: HashSet<PeerId>) -> Result<bool, StateError> {
    let look = move |tx: &mut Transaction<'_>| {
        for peer in peers {
            if tx.is_linked(peer) && tx.store.queued(peer)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    };
    agent.state.run(look).await
}

fn unhurried(agent: &Agent) -> std::sync::MutexGuard<'_, HashSet<PeerId>> {
    agent.unhurried.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A session that runs over a relay's front door moves to the direct one, without a gap.

use std::time::Duration;

use coworker_net::{DialHints, EndpointKind, LinkSender, Network, PathKind};
use coworker_policy::PeerId;
use tokio::time::{Instant, sleep, timeout};

use crate::agent::Agent;
use crate::link::connection::{self, ConnectionError};

/// Shorter than the head start that the network gives to the direct door, so that the front one is not tried.
const DIRECT_ONLY: Duration = Duration::from_secs(2);
/// How long the old connection is kept: the other side may not have settled on the new one yet.
const LINGER: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Who is silent has expelled us, perhaps.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What came of moving one peer's session so far.
pub(super) struct Tries {
    next: Instant,
    pause: Duration,
}

/// Tries it if it is worth it, ours to do, and time. Of two agents the one with the smaller id does it, as
/// both dialling at once would leave two connections.
pub(super) fn consider(agent: &Agent, network: &Network, peer: PeerId) {
    if agent.us > peer || !is_due(agent, peer) {
        return;
    }
    let (agent, network) = (agent.clone(), network.clone());
    agent.tasks.clone().spawn(async move {
        tokio::select! {
            () = attempt(&agent, &network, peer) => {}
            () = agent.stop.cancelled() => {}
        }
    });
}

/// Marks the try as begun: another one is due after a pause that grows.
fn is_due(agent: &Agent, peer: PeerId) -> bool {
    let (mut state, now) = (agent.direct.state(), Instant::now());
    let tries = state.tries.entry(peer).or_insert(Tries { next: now, pause: FIRST_PAUSE });
    let due = tries.next <= now;
    if due {
        *tries = Tries { next: now + tries.pause, pause: (tries.pause * 4).min(LONGEST_PAUSE) };
    }
    due
}

async fn attempt(agent: &Agent, network: &Network, peer: PeerId) {
    let Ok(Some((link, EndpointKind::Identity))) = current(agent, peer).await else { return };
    if link.path_info().kind == PathKind::Direct {
        return;
    }
    match go(agent, network, peer).await {
        Ok(()) => tracing::info!(%peer, "the session moved to the direct door"),
        Err(error) => {
            tracing::debug!(%peer, %error, "the session stays where it is");
            sleep(FIRST_PAUSE).await;
            return agent.direct.wake();
        }
    }
    agent.direct.state().tries.remove(&peer);
    if timeout(LINGER, link.closed()).await.is_err() {
        leave_front(agent, peer).await;
    }
}

async fn go(agent: &Agent, network: &Network, peer: PeerId) -> Result<(), ConnectionError> {
    let dialling = agent.dialling(peer);
    let _turn = dialling.lock().await;
    let link = network.dial(peer, &DialHints::default(), DIRECT_ONLY).await?;
    if link.endpoint != EndpointKind::Direct {
        link.sender.close("not direct");
        return Err(ConnectionError::Superseded);
    }
    connection::establish(agent, link).await
}

async fn current(
    agent: &Agent,
    peer: PeerId,
) -> Result<Option<(LinkSender, EndpointKind)>, crate::state::StateError> {
    agent.state.run(move |tx| Ok(tx.current_link(peer))).await
}

/// Nothing new has gone over the old connection since the new one stands.
async fn leave_front(agent: &Agent, peer: PeerId) {
    let leave = agent.state.run(move |tx| {
        tx.leave_front(peer);
        Ok(())
    });
    if let Err(error) = leave.await {
        tracing::debug!(%peer, %error, "the old connection stays");
    }
}

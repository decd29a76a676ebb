//! Moves a session that runs over a relay to the direct endpoint, without a gap.

use std::time::Duration;

use coworker_net::{DialHints, EndpointKind, LinkSender, Network, PathKind};
use coworker_policy::PeerId;
use tokio::time::{Instant, sleep, timeout};

use super::progress::Tries;
use crate::link::backoff::Backoff;
use crate::link::connection::ConnectionError;
use crate::link::links::Links;
use crate::state::StateError;

/// Shorter than the head start that the network gives to the direct endpoint, so that the public one is not tried.
const DIRECT_ONLY: Duration = Duration::from_secs(2);
/// How long the old connection is kept: the other side may still write to it.
const LINGER: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// A peer that stays silent may have expelled us.
const TRIES: Backoff = Backoff::growing(FIRST_PAUSE, Duration::from_hours(1), 4);

impl Links {
    /// Tries to move the peer's session if that is ours to do, and due. Only the agent with the smaller id dials,
    /// because both dialling at once would leave two connections.
    pub(super) fn consider_moving(&self, network: &Network, peer: PeerId) {
        if self.core.us > peer || !self.move_is_due(peer) {
            return;
        }
        let (links, network) = (self.clone(), network.clone());
        self.core.tasks.spawn(async move {
            tokio::select! {
                () = links.move_session(&network, peer) => {}
                () = links.core.stop.cancelled() => {}
            }
        });
    }

    /// Marks the attempt as begun if it is due.
    fn move_is_due(&self, peer: PeerId) -> bool {
        let (mut progress, now) = (self.direct.progress(), Instant::now());
        let tries = progress.tries.entry(peer).or_insert(Tries { due: now, backoff: TRIES });
        let due = tries.due <= now;
        if due {
            tries.due = now + tries.backoff.next();
        }
        due
    }

    async fn move_session(&self, network: &Network, peer: PeerId) {
        let Ok(Some((link, EndpointKind::Identity))) = self.current_link(peer).await else { return };
        if link.path_info().kind == PathKind::Direct {
            return;
        }
        match self.link_directly(network, peer).await {
            Ok(()) => tracing::info!(%peer, "the session moved to the direct endpoint"),
            Err(error) => {
                tracing::debug!(%peer, %error, "the session stays on its connection");
                sleep(FIRST_PAUSE).await;
                return self.direct.wake();
            }
        }
        self.direct.progress().tries.remove(&peer);
        if timeout(LINGER, link.closed()).await.is_err() {
            self.leave_front(peer).await;
        }
    }

    async fn link_directly(&self, network: &Network, peer: PeerId) -> Result<(), ConnectionError> {
        let dialling = self.dialling(peer);
        let _turn = dialling.lock().await;
        let link = network.dial(peer, &DialHints::default(), DIRECT_ONLY).await?;
        if link.endpoint != EndpointKind::Direct {
            link.sender.close("not direct");
            return Err(ConnectionError::Superseded);
        }
        self.establish(link).await
    }

    async fn current_link(&self, peer: PeerId) -> Result<Option<(LinkSender, EndpointKind)>, StateError> {
        self.state.run(move |tx| Ok(tx.current_link(peer))).await
    }

    /// Closes the old connection. Nothing new has gone over it since the new one stands.
    async fn leave_front(&self, peer: PeerId) {
        let leave = self.state.run(move |tx| {
            tx.leave_front(peer);
            Ok(())
        });
        if let Err(error) = leave.await {
            tracing::debug!(%peer, %error, "the old connection stays");
        }
    }
}

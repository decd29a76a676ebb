//! Dials a peer again and again, for a task that needs a connection.

use std::time::Duration;

use coworker_policy::PeerId;

use crate::link::backoff::Backoff;
use crate::link::connection::ConnectionError;
use crate::link::links::Links;

const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// For a person that waits at a terminal.
pub(super) const IMPATIENT: Backoff = Backoff::doubling(FIRST_PAUSE, Duration::from_secs(1));
/// For an answer that may take days.
pub(super) const PATIENT: Backoff = Backoff::doubling(FIRST_PAUSE, Duration::from_secs(30));

impl Links {
    /// Keeps a connection with `peer` for as long as the returned future is polled: an answer may wait for us there.
    pub(crate) async fn keep_linked<T>(&self, peer: PeerId) -> T {
        self.link_again_and_again(peer, PATIENT).await
    }

    /// Restores the connection with `peer` that the caller made, whenever it breaks.
    pub(super) async fn stay_linked<T>(&self, peer: PeerId) -> T {
        self.presence.of(peer).back().await;
        self.link_again_and_again(peer, IMPATIENT).await
    }

    async fn link_again_and_again<T>(&self, peer: PeerId, backoff: Backoff) -> T {
        let mut whereabouts = self.presence.of(peer);
        loop {
            self.dial_until_linked(peer, backoff, |_| {}).await;
            whereabouts.gone().await;
            tokio::time::sleep(self.head_start(peer)).await;
        }
    }

    /// Dials until a connection stands; reports each failure to `failed`.
    pub(super) async fn dial_until_linked(
        &self,
        peer: PeerId,
        mut backoff: Backoff,
        mut failed: impl FnMut(&ConnectionError),
    ) {
        while let Err(error) = self.ensure(peer).await {
            tracing::debug!(%peer, %error, "cannot reach the peer yet");
            failed(&error);
            backoff.pause().await;
        }
    }

    /// The pause after a connection broke. Two agents that wait for each other must not dial at once time and
    /// again, since each new session ends the other's connection.
    fn head_start(&self, peer: PeerId) -> Duration {
        if self.core.us < peer { FIRST_PAUSE } else { FIRST_PAUSE * 4 }
    }
}

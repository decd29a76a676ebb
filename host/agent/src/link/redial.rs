//! Delivery of waiting mail: one task for each peer that is not connected dials it, ever more slowly, until the mail
//! is taken or withdrawn.

use std::pin::Pin;

use coworker_policy::PeerId;

use crate::link::keep_linked::PATIENT;
use crate::link::links::Links;

impl Links {
    /// Has the mail that waits for `peer` delivered. Does nothing for a connected peer: its mail leaves with the
    /// transaction that posts it.
    pub(crate) fn deliver_mail(&self, peer: PeerId) {
        if self.core.stop.is_cancelled() || self.presence.is_linked(peer) || !self.redials().insert(peer) {
            return;
        }
        self.core.tasks.spawn(until_stopped(self.clone(), peer));
    }

    async fn deliver(&self, peer: PeerId) {
        let mut backoff = PATIENT;
        loop {
            while self.mail_waits(peer).await {
                match self.ensure(peer).await {
                    Ok(()) => backoff.reset(),
                    Err(error) => tracing::debug!(%peer, %error, "cannot reach the peer yet"),
                }
                // Also after success: a peer that hangs up at once must not be dialled without end.
                backoff.pause().await;
            }
            self.redials().remove(&peer);
            // Mail may have come between the last look and leaving the list.
            if !self.mail_waits(peer).await || !self.redials().insert(peer) {
                return;
            }
        }
    }

    async fn mail_waits(&self, peer: PeerId) -> bool {
        if self.presence.is_linked(peer) {
            return false;
        }
        self.state.run(move |tx| Ok(tx.store.has_mail(peer)?)).await.unwrap_or(false)
    }
}

/// Boxed, because a future cannot contain itself: delivery dials, and a connection that ends begins a delivery.
fn until_stopped(links: Links, peer: PeerId) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        tokio::select! {
            () = links.deliver(peer) => {}
            () = links.core.stop.cancelled() => {}
        }
    })
}

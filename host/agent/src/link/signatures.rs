//! Our signatures for receipts leave with the next message to the provider; if there is none, after a moment.

use std::collections::HashSet;
use std::time::Duration;

use coworker_policy::PeerId;

use crate::link::links::Links;
use crate::state::{StateError, Transaction};

/// How long a signature waits for another message.
const MOMENT: Duration = Duration::from_millis(200);
/// How long an agent that stops waits for its last signatures to arrive. The others are on disk, and leave with the
/// next connection.
const LAST_MOMENT: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_millis(5);

impl Links {
    /// Sends the signatures that wait for `peer`, after a moment.
    pub(crate) fn send_signatures_soon(&self, peer: PeerId) {
        if !self.unhurried().insert(peer) {
            return;
        }
        let links = self.clone();
        self.core.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(MOMENT) => {}
                () = links.core.stop.cancelled() => return,
            }
            links.unhurried().remove(&peer);
            let send = move |tx: &mut Transaction<'_>| {
                tx.send_mail(peer);
                Ok(())
            };
            if let Err(error) = links.state.tell(send).await {
                tracing::debug!(%peer, %error, "a signature waits for the next connection");
            }
        });
    }

    /// Sends all signatures that wait, and gives them a moment to arrive: a command that called a skill ends right
    /// after.
    pub(crate) async fn send_last_signatures(&self) {
        let peers = std::mem::take(&mut *self.unhurried());
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
            self.state.tell(send).await?;
            while self.is_on_the_way(peers.clone()).await? {
                tokio::time::sleep(POLL).await;
            }
            Ok::<_, StateError>(())
        };
        let _ = tokio::time::timeout(LAST_MOMENT, arrive).await;
    }

    async fn is_on_the_way(&self, peers: HashSet<PeerId>) -> Result<bool, StateError> {
        let look = move |tx: &mut Transaction<'_>| {
            for peer in peers {
                if tx.is_linked(peer) && tx.store.queued(peer)? > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.state.run(look).await
    }
}

//! Leases end at their time, whether or not a call of the peer comes.

use crate::state::{StateError, Transaction, audit};
use crate::trust::book::TrustBook;

/// Pause before ending leases is tried again after the database failed, in milliseconds.
const AFTER_A_FAULT_MS: i64 = 1_000;

impl TrustBook {
    /// Ends leases at their time, until the agent stops.
    pub(crate) async fn watch_leases(self) {
        loop {
            let book = self.clone();
            let end = self.state.run(move |tx| {
                book.end_leases(tx)?;
                Ok(tx.store.next_lease_end()?)
            });
            let next = match end.await {
                Ok(next) => next,
                Err(StateError::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "cannot write down that leases ended; they give nothing all the same");
                    Some(self.core.clock.now_ms() + AFTER_A_FAULT_MS)
                }
            };
            let next_is_due = async {
                match next {
                    Some(end_ms) => self.core.clock.sleep_until_ms(end_ms).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = next_is_due => {}
                () = self.tiers.lease_ends_moved() => {}
                () = self.core.stop.cancelled() => return,
            }
        }
    }

    pub(super) fn end_leases(&self, tx: &mut Transaction<'_>) -> Result<(), StateError> {
        for (peer, change) in tx.store.end_leases(tx.now)? {
            audit::trust_changed(tx, peer, change)?;
            self.put_in_force(tx, peer, change.stops_running())?;
        }
        Ok(())
    }
}

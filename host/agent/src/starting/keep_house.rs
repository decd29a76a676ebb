//! Deletes old rows and renews group keys, once an hour.

use std::time::Duration;

use crate::agent::Agent;
use crate::base::time::DAY_MS;
use crate::goals;
use crate::serve::leaks;

const EVERY: Duration = Duration::from_hours(1);
/// How long mail waits for a peer, and how long an answered request is remembered.
const KEEP_MS: i64 = 7 * DAY_MS;
/// How long receipts are kept. The audit log is kept until the owner prunes it.
const KEEP_RECEIPTS_MS: i64 = 365 * DAY_MS;
/// How long the answers to our own requests are kept, counted from the request.
const KEEP_RESULTS_MS: i64 = 60 * DAY_MS;

/// Keeps house until the agent stops.
pub(super) async fn keep_house(agent: Agent) {
    loop {
        let ours = agent.goals.clone();
        let prune = agent.state.run(move |tx| {
            goals::end_overdue(&ours, tx)?;
            tx.store.prune_goals(tx.now - goals::KEEP_MS)?;
            tx.store.expire_outbox(tx.now - KEEP_MS)?;
            tx.store.prune_inbound(tx.now - KEEP_MS)?;
            tx.store.expire_outbound(tx.now)?;
            tx.store.prune_outbound(tx.now - KEEP_RESULTS_MS)?;
            tx.store.prune_receipts(tx.now - KEEP_RECEIPTS_MS)?;
            tx.store.prune_invites(tx.now - KEEP_MS)?;
            leaks::forget_old(tx)?;
            Ok(())
        });
        if let Err(error) = prune.await {
            tracing::warn!(%error, "cannot delete old rows");
        }
        if let Err(error) = agent.groups.keep_house(KEEP_MS).await {
            tracing::warn!(%error, "cannot keep groups in order");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = agent.core.stop.cancelled() => return,
        }
    }
}

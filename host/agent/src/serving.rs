//! A running `serve`: answers peers and local commands, takes up what was left undone, keeps house.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coworker_api::ops::{Status, StatusInfo};
use coworker_policy::Tier;
use coworker_store::Peer;

use crate::agent::{Agent, network_failed};
use crate::base::error::OpError;
use crate::catalog::change;
use crate::control;
use crate::goals;
use crate::groups;
use crate::intake;
use crate::link::connection;
use crate::link::redial;
use crate::ops::Run as _;
use crate::serve::leaks;

/// A peer seen this long ago is dialled once when this agent starts.
const LATELY_MS: i64 = 10 * 60 * 1000;
const MAX_GREETED: usize = 16;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long mail waits for a peer, and how long an answered request is remembered.
const KEEP_MS: i64 = 7 * 24 * HOUR_MS;
/// How long receipts are kept. The audit log is kept for ever.
const KEEP_RECEIPTS_MS: i64 = 365 * 24 * HOUR_MS;
/// How long what came of our own requests is kept, from the question on.
const KEEP_RESULTS_MS: i64 = 60 * 24 * HOUR_MS;

impl Agent {
    /// Starts to serve; it goes on until `close`.
    pub async fn serve(&self) -> Result<StatusInfo, OpError> {
        self.serving.store(true, Ordering::Relaxed);
        self.network().await.map_err(network_failed)?;
        intake::take_up(self).await?;
        goals::resume_all(self).await?;
        self.tasks.spawn(keep_house(self.clone()));
        self.tasks.spawn(greet(self.clone()));
        self.tasks.spawn(change::follow_edits(self.clone()));
        control::listen(self)?;
        Status {}.run(self).await
    }
}

/// Dials who has mail here, and once each who was seen lately: a peer that was connected when this agent
/// was killed still writes into the dead connection, and learns of the new one sooner than by waiting.
async fn greet(agent: Agent) {
    let trust = agent.clone();
    let look = agent.state.run(move |tx| {
        // Strangers are not dialled: they need not know when this agent comes and goes.
        let ours = |peer: &Peer| peer.chosen || trust.trust.tier(peer.id) > Tier::Untrusted;
        let lately = |peer: &Peer| ours(peer) && peer.seen_ms.is_some_and(|seen| tx.now - seen < LATELY_MS);
        let seen = tx.store.peers()?.into_iter().filter(lately).map(|peer| peer.id).take(MAX_GREETED);
        Ok((tx.store.peers_with_mail()?, seen.collect::<Vec<_>>()))
    });
    let Ok((with_mail, seen)) = look.await else { return };
    for peer in with_mail {
        redial::deliver_mail(&agent, peer).await;
    }
    for peer in seen {
        let agent = agent.clone();
        agent.tasks.clone().spawn(async move {
            tokio::select! {
                greeted = connection::ensure(&agent, peer) => {
                    tracing::debug!(%peer, ok = greeted.is_ok(), "greeted");
                }
                () = agent.stop.cancelled() => {}
            }
        });
    }
}

async fn keep_house(agent: Agent) {
    loop {
        let shared = agent.clone();
        let prune = agent.state.run(move |tx| {
            goals::end_overdue(&shared, tx)?;
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
            tracing::warn!(%error, "cannot throw away old mail");
        }
        if let Err(error) = groups::keep_house(&agent, KEEP_MS).await {
            tracing::warn!(%error, "cannot keep groups in order");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_hours(1)) => {}
            () = agent.stop.cancelled() => return,
        }
    }
}

//! A running `serve`: answers peers and local commands, takes up what was left undone, keeps house.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coworker_policy::Tier;
use coworker_store::Peer;

use crate::agent::Agent;
use crate::error::OpError;
use crate::ops::{Operation as _, Status, StatusInfo};
use crate::{catalog_change, connection, control, courier, goals, groups, intake, leaks};

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
        self.network().await?;
        intake::take_up(self).await?;
        goals::resume_all(self).await?;
        self.tasks.spawn(keep_house(self.clone()));
        self.tasks.spawn(greet(self.clone()));
        self.tasks.spawn(catalog_change::follow_edits(self.clone()));
        control::listen(self)?;
        Status {}.run(self).await
    }
}

/// Dials who has mail here, and once each who was seen lately: a peer that was connected when this agent
/// was killed still writes into the dead connection, and learns of the new one sooner than by waiting.
async fn greet(agent: Agent) {
    let trust = agent.clone();
    let look = agent.desk.run(move |work| {
        // Strangers are not dialled: they need not know when this agent comes and goes.
        let ours = |peer: &Peer| peer.chosen || trust.trust.tier(peer.id) > Tier::Untrusted;
        let lately = |peer: &Peer| ours(peer) && peer.seen_ms.is_some_and(|seen| work.now - seen < LATELY_MS);
        let seen = work.tx.peers()?.into_iter().filter(lately).map(|peer| peer.id).take(MAX_GREETED);
        Ok((work.tx.peers_with_mail()?, seen.collect::<Vec<_>>()))
    });
    let Ok((with_mail, seen)) = look.await else { return };
    for peer in with_mail {
        courier::mail_waits(&agent, peer).await;
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
        let on_desk = agent.clone();
        let prune = agent.desk.run(move |work| {
            goals::end_overdue(&on_desk, work)?;
            work.tx.prune_goals(work.now - goals::KEEP_MS)?;
            work.tx.expire_outbox(work.now - KEEP_MS)?;
            work.tx.prune_inbound(work.now - KEEP_MS)?;
            work.tx.expire_outbound(work.now)?;
            work.tx.prune_outbound(work.now - KEEP_RESULTS_MS)?;
            work.tx.prune_receipts(work.now - KEEP_RECEIPTS_MS)?;
            work.tx.prune_invites(work.now - KEEP_MS)?;
            leaks::forget_old(work)?;
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

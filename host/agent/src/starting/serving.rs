//! A running `serve`: answers peers and local commands, and takes up unfinished work.

use coworker_policy::Tier;
use coworker_store::Peer;

use coworker_api::ops::{Status, StatusInfo};

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::time::MINUTE_MS;
use crate::goals;
use crate::link::network::network_failed;
use crate::ops::Run as _;
use crate::starting::control;
use crate::starting::keep_house::keep_house;

/// A peer seen this long ago is dialled once when this agent starts.
const LATELY_MS: i64 = 10 * MINUTE_MS;
const MAX_GREETED: usize = 16;

impl Agent {
    /// Starts to serve; it goes on until `close`.
    pub async fn serve(&self) -> Result<StatusInfo, OpError> {
        self.core.set_serving();
        self.links.network().await.map_err(|error| network_failed(&error))?;
        self.calls.take_up().await?;
        goals::resume_all(&self.goals).await?;
        self.core.tasks.spawn(keep_house(self.clone()));
        self.core.tasks.spawn(greet(self.clone()));
        self.core.tasks.spawn(self.catalog.clone().follow_edits());
        control::listen(self)?;
        Status {}.run(self).await
    }
}

/// Dials each peer that has mail here, and once each peer that was seen lately: a peer that was connected when this
/// agent was killed still writes into the dead connection, and learns of the new one sooner in this way.
async fn greet(agent: Agent) {
    let trust = agent.trust.clone();
    let look = agent.state.run(move |tx| {
        // Strangers are not dialled: they need not know when this agent comes and goes.
        let ours = |peer: &Peer| peer.chosen || trust.tier(peer.id) > Tier::Untrusted;
        let lately = |peer: &Peer| ours(peer) && peer.seen_ms.is_some_and(|seen| tx.now - seen < LATELY_MS);
        let seen = tx.store.peers()?.into_iter().filter(lately).map(|peer| peer.id).take(MAX_GREETED);
        Ok((tx.store.peers_with_mail()?, seen.collect::<Vec<_>>()))
    });
    let Ok((with_mail, seen)) = look.await else { return };
    for peer in with_mail {
        agent.links.deliver_mail(peer);
    }
    for peer in seen {
        let agent = agent.clone();
        agent.core.tasks.clone().spawn(async move {
            tokio::select! {
                greeted = agent.links.ensure(peer) => {
                    tracing::debug!(%peer, ok = greeted.is_ok(), "greeted");
                }
                () = agent.core.stop.cancelled() => {}
            }
        });
    }
}

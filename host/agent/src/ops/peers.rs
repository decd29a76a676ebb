use coworker_api::ops::{PeerInfo, Peers};
use coworker_policy::Tier;
use data_encoding::HEXLOWER;

use super::{Run, reached};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Bytes of a session's id that are shown.
const SHOWN: usize = 8;

impl Run for Peers {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<PeerInfo>, OpError> {
        let shared = agent.clone();
        let peers = agent.state.run(move |tx| {
            let info = |peer: coworker_store::Peer| {
                let tier = shared.trust.tier(peer.id);
                let session = tx.store.session(peer.id)?.map(|row| HEXLOWER.encode(&row.id[..SHOWN]));
                let link = tx.current_link(peer.id);
                let info = PeerInfo {
                    peer: peer.id,
                    name: peer.name,
                    tier,
                    connected: link.is_some(),
                    reached: None,
                    ours: peer.chosen || tier > Tier::Untrusted,
                    seen_ms: peer.seen_ms,
                    waiting: tx.store.queued(peer.id)?,
                    session,
                };
                Ok((info, link))
            };
            tx.store.peers()?.into_iter().map(info).collect::<Result<Vec<_>, crate::state::StateError>>()
        });
        let with_way = |(info, link): (PeerInfo, Option<_>)| PeerInfo {
            reached: link.as_ref().map(|link| reached::reached(link, agent.core.clock.now_ms())),
            ..info
        };
        Ok(peers.await?.into_iter().map(with_way).collect())
    }
}

use coworker_policy::{AgentName, PeerId, Tier};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{Operation, Reached};
use crate::agent::Agent;
use crate::base::error::OpError;

/// Bytes of a session's id that are shown.
const SHOWN: usize = 8;

/// The agents we have met.
#[derive(Debug, Serialize, Deserialize)]
pub struct Peers {}

#[derive(Debug, Serialize, Deserialize)]
pub struct PeerInfo {
    pub peer: PeerId,
    /// What it calls itself.
    pub name: Option<AgentName>,
    pub tier: Tier,
    pub connected: bool,
    /// How, while it is connected.
    pub reached: Option<Reached>,
    /// The owner gave it a tier, or connected to it.
    pub ours: bool,
    /// Milliseconds since the Unix epoch.
    pub seen_ms: Option<i64>,
    /// Messages that wait for it or for its acknowledgement.
    pub waiting: usize,
    /// The start of the MLS session's id, the same on both sides; `None` before the first.
    pub session: Option<String>,
}

impl Operation for Peers {
    type Answer = Vec<PeerInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<PeerInfo>, OpError> {
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
            reached: link.as_ref().map(|link| Reached::of(link, agent.core.clock.now_ms())),
            ..info
        };
        Ok(peers.await?.into_iter().map(with_way).collect())
    }
}

use coworker_policy::trust::{Reason, Trust};
use coworker_policy::{PeerId, Text, Tier};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::lease::{Ends, LeaseInfo};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::trust::standing::Decided;

/// Decides what we think of a peer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustSet {
    pub peer: String,
    pub tier: Tier,
    pub ends: Ends,
    /// For the owner's own record; may be empty.
    pub reason: Text,
}

/// Takes a decision back: the peer is UNTRUSTED again.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustRemove {
    pub peer: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Trusted {
    pub peer: PeerId,
    pub before: Tier,
    pub tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
}

/// What the owner says of a peer.
pub(super) struct Word {
    /// `None` takes it back.
    pub(super) tier: Option<Tier>,
    pub(super) ends: Ends,
    pub(super) reason: Reason,
    pub(super) note: Text,
}

impl TrustSet {
    /// A tier without an end.
    pub fn standing(peer: String, tier: Tier) -> Self {
        Self { peer, tier, ends: Ends::default(), reason: Text::default() }
    }
}

impl Operation for TrustSet {
    type Answer = Trusted;

    async fn run(self, agent: &Agent) -> Result<Trusted, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let (tier, ends, note) = (Some(self.tier), self.ends, self.reason);
        decide(agent, peer, Word { tier, ends, reason: Reason::Owner, note }).await
    }
}

impl Operation for TrustRemove {
    type Answer = Trusted;

    async fn run(self, agent: &Agent) -> Result<Trusted, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let note = Text::sanitized("the decision was taken back");
        decide(agent, peer, Word { tier: None, ends: Ends::default(), reason: Reason::Owner, note }).await
    }
}

/// Writes the owner's word down, then puts it in force: the next message is judged by it, and if it takes
/// something away, calls of the peer that run now are stopped.
pub(super) async fn decide(agent: &Agent, peer: PeerId, word: Word) -> Result<Trusted, OpError> {
    let Word { tier, ends, reason, note } = word;
    let terms = ends.terms()?;
    let words = [ends.told(), note.to_string()];
    let note = words.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; ");
    let why = if note.is_empty() { reason.to_string() } else { format!("{reason}: {note}") };
    let shared = agent.clone();
    let decided = agent.state.run(move |tx| {
        let decide = |before: &Trust, now| {
            let trust = tier.map(|tier| before.leased(tier, terms, now));
            Decided { trust, reason, note, why }
        };
        let (before, tier) = shared.trust.decided(tx, peer, decide)?;
        let trust = tx.store.trust(peer)?.map(|standing| standing.trust);
        let lease = trust.and_then(|trust| LeaseInfo::of(&trust, tx.now));
        Ok(Trusted { peer, before, tier, lease })
    });
    let trusted = decided.await?;
    agent.links.tier_changed().await?;
    Ok(trusted)
}

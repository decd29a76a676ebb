use coworker_api::ops::{Ends, LeaseInfo, TrustRemove, TrustSet, Trusted};
use coworker_policy::trust::{Reason, Trust};
use coworker_policy::{PeerId, Text, Tier};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::trust::standing::Decided;

/// What the owner says of a peer.
pub(super) struct Word {
    /// `None` takes it back.
    pub(super) tier: Option<Tier>,
    pub(super) ends: Ends,
    pub(super) reason: Reason,
    pub(super) note: Text,
}

impl Run for TrustSet {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Trusted, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        let (tier, ends, note) = (Some(self.tier), self.ends, self.reason);
        decide(agent, peer, Word { tier, ends, reason: Reason::Owner, note }).await
    }
}

impl Run for TrustRemove {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Trusted, OpError> {
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

use std::collections::HashMap;
use std::time::Duration;

use coworker_channel::{DirectCard, Message};
use coworker_net::Network;
use coworker_policy::{PeerId, RequestId, Tier};
use tokio::sync::watch;
use tokio::time::sleep;

use super::card;
use crate::link::links::Links;
use crate::state::{Ephemeral, StateError, Transaction};

/// Pause between reviews that nothing asked for.
const AGAIN: Duration = Duration::from_mins(1);
/// Addresses change several at a time.
const SETTLE: Duration = Duration::from_millis(200);
/// Pause before a peer whose queue is full is told again.
const NO_ROOM: Duration = Duration::from_secs(2);

/// A peer that the owner accepted.
struct Accepted {
    peer: PeerId,
    /// Its own card, if it told us.
    theirs: Option<DirectCard>,
    linked: bool,
}

impl Links {
    /// True if this agent has a direct endpoint beside its public one. Without a relay every peer that reaches us is on
    /// our network and finds our key there.
    pub(in crate::link) fn has_direct_endpoint(&self) -> bool {
        !self.core.config.network.relays.is_empty()
    }

    /// True if `peer` may know our addresses.
    fn accepts(&self, tx: &Transaction<'_>, peer: PeerId) -> Result<bool, StateError> {
        if self.trust.tier(peer) > Tier::Untrusted {
            return Ok(true);
        }
        Ok(tx.store.direct(peer)?.is_some_and(|row| row.unjudged_choice))
    }

    /// Reviews the direct ways whenever something changed, until the agent stops.
    pub(in crate::link) async fn keep_direct(self, network: Network, mut trust: watch::Receiver<()>) {
        let mut moves = network.address_changes();
        loop {
            tokio::select! {
                () = self.direct.wake.notified() => {}
                Ok(()) = moves.changed() => sleep(SETTLE).await,
                Ok(()) = trust.changed() => {}
                () = sleep(AGAIN) => {}
                () = self.core.stop.cancelled() => return,
            }
            if let Err(error) = self.review_direct(&network).await {
                tracing::warn!(%error, "cannot review which peers are reached directly");
            }
        }
    }

    /// Must be called after the owner changed a peer's tier: the network admits or expels it before this returns.
    pub(crate) async fn tier_changed(&self) -> Result<(), StateError> {
        match self.running_network().filter(|_| self.has_direct_endpoint()) {
            Some(network) => self.review_direct(network).await,
            None => Ok(()),
        }
    }

    /// Admits and expels peers, tells our card to those that have not heard it, and has sessions moved.
    pub(in crate::link) async fn review_direct(&self, network: &Network) -> Result<(), StateError> {
        let _one = self.direct.reviewing.lock().await;
        let links = self.clone();
        let accepted = self.state.run(move |tx| links.accepted(tx)).await?;
        self.admit_and_expel(network, &accepted);
        let news: Vec<_> = accepted.iter().filter_map(|peer| self.news_for(network, peer)).collect();
        if !news.is_empty() {
            self.tell_cards(news).await?;
        }
        for peer in accepted.into_iter().filter(|peer| peer.linked && peer.theirs.is_some()) {
            self.consider_moving(network, peer.peer);
        }
        Ok(())
    }

    /// The accepted peers that are connected or known by their card. Forgets the cards of others.
    fn accepted(&self, tx: &mut Transaction<'_>) -> Result<Vec<Accepted>, StateError> {
        let mut peers: HashMap<PeerId, Option<DirectCard>> =
            tx.linked_peers().into_iter().map(|peer| (peer, None)).collect();
        for row in tx.store.all_direct()? {
            if self.accepts(tx, row.peer)? {
                peers.insert(row.peer, row.direct.as_deref().and_then(card::read));
            } else {
                tx.store.keep_direct(row.peer, None)?;
            }
        }
        let mut accepted = Vec::new();
        for (peer, theirs) in peers {
            if self.accepts(tx, peer)? {
                accepted.push(Accepted { peer, theirs, linked: tx.is_linked(peer) });
            }
        }
        Ok(accepted)
    }

    /// Brings the network's list in line. Expelling a peer ends its direct links.
    fn admit_and_expel(&self, network: &Network, accepted: &[Accepted]) {
        let mut progress = self.direct.progress();
        let cards: HashMap<PeerId, &DirectCard> =
            accepted.iter().filter_map(|peer| Some((peer.peer, peer.theirs.as_ref()?))).collect();
        progress.admitted.retain(|peer, _| {
            let stays = cards.contains_key(peer);
            if !stays {
                tracing::info!(%peer, "the direct endpoint is closed to this peer");
                network.expel(*peer);
            }
            stays
        });
        progress.told.retain(|peer, _| accepted.iter().any(|accepted| accepted.peer == *peer));
        for (peer, theirs) in cards {
            if progress.admitted.get(&peer) == Some(theirs) {
                continue;
            }
            match network.admit(peer, &card::to_net(theirs)) {
                Ok(()) => {
                    progress.tries.remove(&peer);
                    progress.admitted.insert(peer, theirs.clone());
                }
                Err(error) => tracing::info!(%peer, %error, "the peer's card cannot be used"),
            }
        }
    }

    /// Our card, if the peer has not heard it, and true if we ask for the peer's.
    fn news_for(&self, network: &Network, peer: &Accepted) -> Option<(PeerId, DirectCard, bool)> {
        let ours = card::from_net(network.direct_card(peer.peer)?);
        let heard = self.direct.progress().told.get(&peer.peer) == Some(&ours);
        (peer.linked && !heard).then_some((peer.peer, ours, peer.theirs.is_none()))
    }

    /// Sends the cards now or not at all: one that waited could reach a peer that is no longer accepted.
    async fn tell_cards(&self, news: Vec<(PeerId, DirectCard, bool)>) -> Result<(), StateError> {
        let links = self.clone();
        let told = self.state.run(move |tx| {
            for (peer, ours, ask) in news {
                // The owner may have decided otherwise since.
                if !links.accepts(tx, peer)? || !tx.is_linked(peer) {
                    continue;
                }
                let card = Message::DirectCard { id: RequestId::random(), card: Box::new(ours.clone()), ask };
                match tx.post_ephemeral(peer, vec![card.encode()])? {
                    // Noted at once, so that a peer that asks after this is told again.
                    Ephemeral::Taken => drop(links.direct.progress().told.insert(peer, ours)),
                    Ephemeral::NoRoom(_) => links.wake_later(),
                }
            }
            Ok(())
        });
        told.await
    }

    fn wake_later(&self) {
        let links = self.clone();
        self.core.tasks.spawn(async move {
            tokio::select! {
                () = sleep(NO_ROOM) => links.direct.wake(),
                () = links.core.stop.cancelled() => {}
            }
        });
    }

    /// Keeps the card of a peer. With `ask` the peer does not know ours.
    pub(crate) fn card_received(
        &self,
        tx: &mut Transaction<'_>,
        from: PeerId,
        card: &DirectCard,
        ask: bool,
    ) -> Result<(), StateError> {
        // A stranger's card is not kept, and a stranger does not learn whether we have a direct endpoint.
        if !self.has_direct_endpoint() || !self.accepts(tx, from)? {
            return Ok(());
        }
        tx.store.keep_direct(from, Some(&card::write(card)))?;
        if ask {
            self.direct.progress().told.remove(&from);
        }
        self.direct.wake();
        Ok(())
    }
}

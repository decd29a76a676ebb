//! Direct ways: who is told ours, whose we keep, and how a session moves to one.
//!
//! A card names our addresses, so it is told to peers that the owner accepted only: those with a tier above
//! UNTRUSTED, and those that the owner connected to by its own act and has said nothing about since. All of it
//! follows from what is on disk by one function, [`review`], which is run again whenever something may have changed.

mod card;
mod moving;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coworker_channel::{DirectCard, Message};
use coworker_net::Network;
use coworker_policy::{PeerId, RequestId, Tier};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::agent::Agent;
use crate::state::{Ephemeral, StateError, Transaction};

/// What has changed without anybody saying so is found this late.
const AGAIN: Duration = Duration::from_mins(1);
/// Addresses change several at a time.
const SETTLE: Duration = Duration::from_millis(200);
/// A peer that takes nothing just now is told after so long.
const NO_ROOM: Duration = Duration::from_secs(2);

/// What this process has done so far.
#[derive(Default)]
pub(crate) struct Direct {
    wake: Notify,
    state: Mutex<State>,
    /// Held during a review.
    reviewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Whom the network lets in, by which card.
    admitted: HashMap<PeerId, DirectCard>,
    /// What we told to whom.
    told: HashMap<PeerId, DirectCard>,
    tries: HashMap<PeerId, moving::Tries>,
}

/// A peer that the owner accepted.
struct Accepted {
    peer: PeerId,
    /// How it is reached, as it said.
    theirs: Option<DirectCard>,
    linked: bool,
}

impl Direct {
    /// Something may have changed: a peer is there, or asks.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `peer` may know our addresses.
fn accepts(agent: &Agent, tx: &Transaction<'_>, peer: PeerId) -> Result<bool, StateError> {
    if agent.trust.tier(peer) > Tier::Untrusted {
        return Ok(true);
    }
    Ok(tx.store.direct(peer)?.is_some_and(|row| row.unjudged_choice))
}

/// Without a relay whoever reaches us at all is on our network, and finds our key there.
pub(crate) fn applies(agent: &Agent) -> bool {
    !agent.config.network.relays.is_empty()
}

/// Keeps everything as it should be, until the agent stops.
pub(crate) async fn keep(agent: Agent, network: Network) {
    let mut changes = network.address_changes();
    loop {
        tokio::select! {
            () = agent.direct.wake.notified() => {}
            Ok(()) = changes.changed() => sleep(SETTLE).await,
            () = sleep(AGAIN) => {}
            () = agent.stop.cancelled() => return,
        }
        if let Err(error) = review(&agent, &network).await {
            tracing::warn!(%error, "cannot review who is reached directly");
        }
    }
}

/// To be called after every change of a peer's tier: it has taken effect when this returns.
pub(crate) async fn tier_changed(agent: &Agent) -> Result<(), StateError> {
    match agent.running_network().filter(|_| applies(agent)) {
        Some(network) => review(agent, network).await,
        None => Ok(()),
    }
}

/// Admits and expels, tells our card to who has not heard it, and has sessions moved.
pub(crate) async fn review(agent: &Agent, network: &Network) -> Result<(), StateError> {
    let _one = agent.direct.reviewing.lock().await;
    let shared = agent.clone();
    let accepted = agent.state.run(move |tx| look(&shared, tx)).await?;
    open_and_shut(agent, network, &accepted);
    let news: Vec<_> = accepted.iter().filter_map(|peer| news(agent, network, peer)).collect();
    if !news.is_empty() {
        tell(agent, news).await?;
    }
    for peer in accepted.into_iter().filter(|peer| peer.linked && peer.theirs.is_some()) {
        moving::consider(agent, network, peer.peer);
    }
    Ok(())
}

/// Who is accepted and either here or known by its card. Cards of others are forgotten.
fn look(agent: &Agent, tx: &mut Transaction<'_>) -> Result<Vec<Accepted>, StateError> {
    let mut peers: HashMap<PeerId, Option<DirectCard>> =
        tx.linked_peers().into_iter().map(|peer| (peer, None)).collect();
    for row in tx.store.all_direct()? {
        if accepts(agent, tx, row.peer)? {
            peers.insert(row.peer, row.direct.as_deref().and_then(card::read));
        } else {
            tx.store.keep_direct(row.peer, None)?;
        }
    }
    let mut accepted = Vec::new();
    for (peer, theirs) in peers {
        if accepts(agent, tx, peer)? {
            accepted.push(Accepted { peer, theirs, linked: tx.is_linked(peer) });
        }
    }
    Ok(accepted)
}

/// Brings the network's list in line. Expelling ends the direct links of who is no longer accepted.
fn open_and_shut(agent: &Agent, network: &Network, accepted: &[Accepted]) {
    let mut state = agent.direct.state();
    let cards: HashMap<PeerId, &DirectCard> =
        accepted.iter().filter_map(|peer| Some((peer.peer, peer.theirs.as_ref()?))).collect();
    state.admitted.retain(|peer, _| {
        let stays = cards.contains_key(peer);
        if !stays {
            tracing::info!(%peer, "the direct door is closed to it");
            network.expel(*peer);
        }
        stays
    });
    state.told.retain(|peer, _| accepted.iter().any(|accepted| accepted.peer == *peer));
    for (peer, theirs) in cards {
        if state.admitted.get(&peer) == Some(theirs) {
            continue;
        }
        match network.admit(peer, &card::to_net(theirs)) {
            Ok(()) => {
                state.tries.remove(&peer);
                state.admitted.insert(peer, theirs.clone());
            }
            Err(error) => tracing::info!(%peer, %error, "the peer's card is of no use"),
        }
    }
}

/// What the peer has to be told now.
fn news(agent: &Agent, network: &Network, peer: &Accepted) -> Option<(PeerId, DirectCard, bool)> {
    let ours = card::from_net(network.direct_card(peer.peer)?);
    let heard = agent.direct.state().told.get(&peer.peer) == Some(&ours);
    (peer.linked && !heard).then_some((peer.peer, ours, peer.theirs.is_none()))
}

/// Sent now or not at all: what waited for a peer could reach it when it is no longer accepted.
async fn tell(agent: &Agent, news: Vec<(PeerId, DirectCard, bool)>) -> Result<(), StateError> {
    let shared = agent.clone();
    let told = agent.state.run(move |tx| {
        for (peer, ours, ask) in news {
            // The owner may have decided otherwise since.
            if !accepts(&shared, tx, peer)? || !tx.is_linked(peer) {
                continue;
            }
            let card = Message::DirectCard { id: RequestId::random(), card: Box::new(ours.clone()), ask };
            match tx.post_ephemeral(peer, vec![card.encode()])? {
                // At once, so that a peer that asks after this is told again.
                Ephemeral::Taken => drop(shared.direct.state().told.insert(peer, ours)),
                Ephemeral::NoRoom(_) => wake_later(&shared),
            }
        }
        Ok(())
    });
    told.await
}

fn wake_later(agent: &Agent) {
    let agent = agent.clone();
    agent.tasks.clone().spawn(async move {
        tokio::select! {
            () = sleep(NO_ROOM) => agent.direct.wake(),
            () = agent.stop.cancelled() => {}
        }
    });
}

/// A peer said how it is reached. `ask`: it does not know how we are.
pub(crate) fn received(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    card: &DirectCard,
    ask: bool,
) -> Result<(), StateError> {
    // Nothing is kept of a stranger's, and it is not told whether we have a direct door.
    if !applies(agent) || !accepts(agent, tx, from)? {
        return Ok(());
    }
    tx.store.keep_direct(from, Some(&card::write(card)))?;
    if ask {
        agent.direct.state().told.remove(&from);
    }
    agent.direct.wake();
    Ok(())
}

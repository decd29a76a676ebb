use std::time::Duration;

use coworker_api::ops::{Discover, Discovered};
use coworker_channel::Message;
use coworker_policy::{Digest, ErrorCode, PeerId, RequestId};
use coworker_store::ShownCards;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for Discover {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Discovered, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        ask(agent, peer, self.timeout).await
    }
}

pub(super) async fn ask(agent: &Agent, peer: PeerId, timeout: f64) -> Result<Discovered, OpError> {
    let timeout = checked_timeout(timeout)?;
    let known = agent.state.run(move |tx| Ok(tx.store.shown_hash(peer)?)).await?;
    match question(agent, peer, known, timeout).await {
        Ok(answer) => match understood(agent, peer, known, answer).await? {
            Some(shown) => Ok(shown),
            // What was kept went in the meantime.
            None => again(agent, peer, timeout).await,
        },
        Err(error) if is_away(&error) => kept(agent, peer).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

async fn question(
    agent: &Agent,
    peer: PeerId,
    known: Option<Digest>,
    timeout: Duration,
) -> Result<Message, OpError> {
    let id = RequestId::random();
    let question = Message::Discover { id, name: Some(agent.core.config.name.clone()), known };
    agent.links.ask(peer, id, question, timeout).await
}

async fn again(agent: &Agent, peer: PeerId, timeout: Duration) -> Result<Discovered, OpError> {
    let answer = question(agent, peer, None, timeout).await?;
    let nonsense = || OpError::from_peer(ErrorCode::Internal, "the peer's answer does not fit the question");
    understood(agent, peer, None, answer).await?.ok_or_else(nonsense)
}

/// `None` if the peer says that nothing changed since what we no longer have.
async fn understood(
    agent: &Agent,
    peer: PeerId,
    known: Option<Digest>,
    answer: Message,
) -> Result<Option<Discovered>, OpError> {
    match answer {
        Message::Capabilities { name, cards, .. } => {
            let (kept, skills) = (name.clone(), cards.clone());
            let keep = move |tx: &mut crate::state::Transaction<'_>| {
                Ok(tx.store.keep_shown(&ShownCards { peer, name: kept, cards, asked_ms: tx.now })?)
            };
            agent.state.run(keep).await?;
            Ok(Some(Discovered { peer, name, skills, cached_ms: None }))
        }
        Message::CapabilitiesUnchanged { name, .. } => {
            let kept = agent.state.run(move |tx| {
                if known.is_none() || tx.store.shown_hash(peer)? != known {
                    return Ok(None);
                }
                tx.store.still_shown(peer, &name, tx.now)?;
                Ok(tx.store.shown(peer)?)
            });
            let fresh = |shown: ShownCards| Discovered { cached_ms: None, ..cached(shown) };
            Ok(kept.await?.map(fresh))
        }
        other => Err(unexpected(other)),
    }
}

async fn kept(agent: &Agent, peer: PeerId) -> Result<Option<Discovered>, OpError> {
    Ok(agent.state.run(move |tx| Ok(tx.store.shown(peer)?)).await?.map(cached))
}

/// The peer said nothing, rather than no.
fn is_away(error: &OpError) -> bool {
    !error.from_peer && matches!(error.code, ErrorCode::PeerUnreachable | ErrorCode::Deadline)
}

fn cached(ShownCards { peer, name, cards, asked_ms }: ShownCards) -> Discovered {
    Discovered { peer, name, skills: cards, cached_ms: Some(asked_ms) }
}

/// Seconds that a person gave, as a duration: more than 0, at most a day.
pub(super) fn checked_timeout(seconds: f64) -> Result<Duration, OpError> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) if !timeout.is_zero() && seconds <= 86_400.0 => Ok(timeout),
        _ => Err(OpError::new(ErrorCode::Usage, "--timeout takes seconds, more than 0 and at most 86400")),
    }
}

/// The peer answered with something else: an error, or nonsense.
pub(super) fn unexpected(answer: Message) -> OpError {
    match answer {
        Message::Error { code, message, .. } | Message::TaskError { code, message, .. } => {
            OpError::from_peer(code, message.to_string())
        }
        _ => OpError::from_peer(ErrorCode::Internal, "the peer's answer does not fit the question"),
    }
}

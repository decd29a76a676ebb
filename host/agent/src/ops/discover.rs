use std::time::Duration;

use coworker_channel::{Message, RequestId};
use coworker_policy::{AgentName, Card, Digest, ErrorCode, PeerId};
use coworker_store::Shown;
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;
use crate::outbound;

/// Asks a peer what it shows us.
#[derive(Debug, Serialize, Deserialize)]
pub struct Discover {
    pub peer: String,
    /// Seconds.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Discovered {
    pub peer: PeerId,
    pub name: AgentName,
    pub skills: Vec<Card>,
    /// The peer cannot be reached: this is what it showed then, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
}

impl Operation for Discover {
    type Answer = Discovered;

    async fn run(self, agent: &Agent) -> Result<Discovered, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        ask(agent, peer, self.timeout).await
    }
}

pub(super) async fn ask(agent: &Agent, peer: PeerId, timeout: f64) -> Result<Discovered, OpError> {
    let patience = patience(timeout)?;
    let known = agent.desk.run(move |work| Ok(work.tx.shown_hash(peer)?)).await?;
    match question(agent, peer, known, patience).await {
        Ok(answer) => match understood(agent, peer, known, answer).await? {
            Some(shown) => Ok(shown),
            // What was kept went in the meantime.
            None => again(agent, peer, patience).await,
        },
        Err(error) if is_away(&error) => kept(agent, peer).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

async fn question(
    agent: &Agent,
    peer: PeerId,
    known: Option<Digest>,
    patience: Duration,
) -> Result<Message, OpError> {
    let id = RequestId::random();
    let question = Message::Discover { id, name: Some(agent.config.name.clone()), known };
    outbound::ask(agent, peer, id, question, patience).await
}

async fn again(agent: &Agent, peer: PeerId, patience: Duration) -> Result<Discovered, OpError> {
    let answer = question(agent, peer, None, patience).await?;
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
            let keep = move |work: &mut crate::desk::Work<'_>| {
                Ok(work.tx.keep_shown(&Shown { peer, name: kept, cards, asked_ms: work.now })?)
            };
            agent.desk.run(keep).await?;
            Ok(Some(Discovered { peer, name, skills, cached_ms: None }))
        }
        Message::CapabilitiesUnchanged { name, .. } => {
            let kept = agent.desk.run(move |work| {
                if known.is_none() || work.tx.shown_hash(peer)? != known {
                    return Ok(None);
                }
                work.tx.still_shown(peer, &name, work.now)?;
                Ok(work.tx.shown(peer)?)
            });
            let fresh = |shown: Shown| Discovered { cached_ms: None, ..Discovered::from(shown) };
            Ok(kept.await?.map(fresh))
        }
        other => Err(unexpected(other)),
    }
}

async fn kept(agent: &Agent, peer: PeerId) -> Result<Option<Discovered>, OpError> {
    Ok(agent.desk.run(move |work| Ok(work.tx.shown(peer)?)).await?.map(Discovered::from))
}

/// The peer said nothing, rather than no.
fn is_away(error: &OpError) -> bool {
    !error.from_peer && matches!(error.code, ErrorCode::PeerUnreachable | ErrorCode::Deadline)
}

impl From<Shown> for Discovered {
    fn from(Shown { peer, name, cards, asked_ms }: Shown) -> Self {
        Self { peer, name, skills: cards, cached_ms: Some(asked_ms) }
    }
}

/// Seconds that a person gave, as a duration: more than 0, at most a day.
pub(super) fn patience(seconds: f64) -> Result<Duration, OpError> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(patience) if !patience.is_zero() && seconds <= 86_400.0 => Ok(patience),
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

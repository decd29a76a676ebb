//! Questions of ours to a peer, and the wait for the answer.

use std::time::Duration;

use coworker_channel::{Message, RequestId};
use coworker_policy::{ErrorCode, PeerId};
use coworker_store::{Outbound, OutboundState};
use serde_json::json;

use crate::agent::Agent;
use crate::connection;
use crate::desk::DeskError;
use crate::error::OpError;

/// How long a peer that cannot be reached is tried before we say so. A peer that restarts is back sooner.
const REACH: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks `peer` and waits for its answer, up to `patience`. The message stands in the outbox until it is
/// acknowledged, so a connection that breaks on the way costs time only.
pub(crate) async fn ask(
    agent: &Agent,
    peer: PeerId,
    id: RequestId,
    message: Message,
    patience: Duration,
) -> Result<Message, OpError> {
    let mut question = agent.waiting.ask(peer, id);
    let linked = agent.desk.run(move |work| send(work, peer, &message)).await?;
    let give_up_at = tokio::time::Instant::now() + patience;
    // One limit each, so that a peer out of reach is never mistaken for one that does not answer.
    let answer = async {
        if !linked {
            reach(agent, peer, patience.min(REACH)).await?;
        }
        let answer = tokio::time::timeout_at(give_up_at, question.answer()).await;
        answer.map_err(|_| timed_out(patience))?.ok_or_else(|| OpError::from(DeskError::Stopping))
    }
    .await;
    if answer.is_err() {
        give_up(agent, peer, id).await?;
    }
    answer
}

fn send(work: &mut crate::desk::Work<'_>, peer: PeerId, message: &Message) -> Result<bool, DeskError> {
    if let Message::TaskRequest { id, skill, input, .. } = message {
        work.tx.add_outbound(&Outbound {
            id: id.to_string(),
            peer,
            skill: skill.clone(),
            input: input.clone(),
            state: OutboundState::Waiting,
            answer: None,
            at_ms: work.now,
            done_ms: None,
        })?;
    }
    work.post(peer, message)?;
    Ok(work.is_linked(peer))
}

/// Dials until a connection stands.
async fn reach(agent: &Agent, peer: PeerId, patience: Duration) -> Result<(), OpError> {
    let mut last = None;
    let dial = async {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = connection::ensure(agent, peer).await {
            tracing::debug!(%peer, %error, "cannot reach the peer yet");
            last = Some(OpError::fault(&error).message);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    if tokio::time::timeout(patience, dial).await.is_ok() {
        return Ok(());
    }
    let name = agent.peer_name(peer).await;
    let why = last.map(|why| format!(": {why}")).unwrap_or_default();
    Err(OpError::new(ErrorCode::PeerUnreachable, format!("cannot reach {name}{why}"))
        .hint("check that `coworker serve` runs there and that both are on one network; coworker doctor"))
}

fn timed_out(patience: Duration) -> OpError {
    let seconds = patience.as_secs_f64();
    OpError::new(ErrorCode::Deadline, format!("no answer within {seconds} s"))
        .hint("wait longer: --timeout SECONDS")
}

/// Takes back what has not left yet; what has left is answered into the void.
async fn give_up(agent: &Agent, peer: PeerId, id: RequestId) -> Result<(), OpError> {
    let forget = agent.desk.run(move |work| {
        let tag = id.to_string();
        work.tx.withdraw(peer, &tag)?;
        work.tx.finish_outbound(peer, &tag, OutboundState::Abandoned, None, work.now)?;
        Ok(())
    });
    Ok(forget.await?)
}

/// How an answer to a task is kept: its state and its JSON text.
pub(crate) fn record(answer: &Message) -> Option<(OutboundState, String)> {
    match answer {
        Message::TaskResponse { output, .. } => Some((OutboundState::Done, output.to_string())),
        Message::TaskError { code, message, .. } | Message::Error { code, message, .. } => {
            Some((OutboundState::Failed, json!({ "code": code, "message": message }).to_string()))
        }
        _ => None,
    }
}

//! Questions of ours to a peer, and the wait for the answer.

use std::time::Duration;

use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId};
use coworker_store::{Outbound, OutboundState};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::connection;
use crate::link::waiting::{Heard, Question};
use crate::state::{StateError, Transaction};

/// How long a peer that cannot be reached is tried before we say so. A peer that restarts is back sooner.
const REACH: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks `peer` and waits for its answer, up to `timeout`. The message stands in the outbox until it is
/// acknowledged, so a connection that breaks on the way costs time only.
pub(crate) async fn ask(
    agent: &Agent,
    peer: PeerId,
    id: RequestId,
    message: Message,
    timeout: Duration,
) -> Result<Message, OpError> {
    ask_for(agent, &CallObserver::default(), peer, id, message, timeout).await
}

/// The same for one who hears how a call goes, and may call it off.
pub(crate) async fn ask_for(
    agent: &Agent,
    observer: &CallObserver,
    peer: PeerId,
    id: RequestId,
    message: Message,
    timeout: Duration,
) -> Result<Message, OpError> {
    let mut question = agent.waiting.ask(peer, id);
    let is_call = matches!(message, Message::TaskRequest { .. });
    let linked = agent.state.run(move |tx| send(tx, peer, &message)).await?;
    let give_up_at = tokio::time::Instant::now() + timeout;
    // One limit each, so that a peer out of reach is never mistaken for one that does not answer.
    let answer = async {
        if !linked {
            reach(agent, peer, timeout.min(REACH)).await?;
        }
        let answer = tokio::time::timeout_at(give_up_at, hear(observer, &mut question)).await;
        answer.map_err(|_| timed_out(timeout))?
    };
    let answer = tokio::select! {
        biased;
        () = observer.cancelled() => Err(OpError::new(ErrorCode::Cancelled, "you cancelled the call")),
        answer = answer => answer,
        // Nothing runs for who is away: a connection that breaks is mended, whether or not mail waits.
        never = stay_linked(agent, peer), if is_call => never,
    };
    if answer.is_err() {
        give_up(agent, peer, id).await?;
    }
    answer
}

pub(crate) fn send(tx: &mut Transaction<'_>, peer: PeerId, message: &Message) -> Result<bool, StateError> {
    if let Message::TaskRequest { id, skill, input, expires_ms, .. } = message {
        tx.store.add_outbound(&Outbound {
            id: *id,
            peer,
            skill: skill.clone(),
            input: input.clone(),
            state: OutboundState::Waiting,
            expires_ms: *expires_ms,
            answer: None,
            at_ms: tx.now,
            done_ms: None,
        })?;
    }
    tx.post(peer, message)?;
    Ok(tx.is_linked(peer))
}

async fn hear(observer: &CallObserver, question: &mut Question) -> Result<Message, OpError> {
    let never = CancellationToken::new();
    loop {
        match question.next().await {
            Heard::Update(update) => observer.tell(update, &never).await,
            Heard::Answer(answer) => return Ok(answer),
            Heard::Nothing => return Err(StateError::Stopping.into()),
        }
    }
}

async fn stay_linked<T>(agent: &Agent, peer: PeerId) -> T {
    let mut whereabouts = agent.presence.of(peer);
    // The first connection is not ours to make.
    whereabouts.back().await;
    loop {
        whereabouts.gone().await;
        // Two that wait for each other must not dial at once, time and again: each new session ends the
        // other's connection.
        let mut pause = if agent.us < peer { FIRST_PAUSE } else { LONGEST_PAUSE / 2 };
        loop {
            tokio::time::sleep(pause).await;
            if connection::ensure(agent, peer).await.is_ok() {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Dials until a connection stands.
async fn reach(agent: &Agent, peer: PeerId, timeout: Duration) -> Result<(), OpError> {
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
    if tokio::time::timeout(timeout, dial).await.is_ok() {
        return Ok(());
    }
    let name = agent.peer_name(peer).await;
    let why = last.map(|why| format!(": {why}")).unwrap_or_default();
    Err(OpError::new(ErrorCode::PeerUnreachable, format!("cannot reach {name}{why}"))
        .hint("check that `coworker serve` runs there and that both are on one network; coworker doctor"))
}

fn timed_out(timeout: Duration) -> OpError {
    let seconds = timeout.as_secs_f64();
    OpError::new(ErrorCode::Deadline, format!("no answer within {seconds} s"))
        .hint("wait longer: --timeout SECONDS")
}

/// Takes back what has not left yet; of a call that has left the peer is told that nobody waits for it.
async fn give_up(agent: &Agent, peer: PeerId, id: RequestId) -> Result<(), OpError> {
    let forget = agent.state.run(move |tx| withdraw(tx, peer, id, OutboundState::Abandoned));
    forget.await?;
    crate::link::redial::deliver_mail(agent, peer).await;
    Ok(())
}

/// False if it is no call that waits for an answer.
pub(crate) fn withdraw(
    tx: &mut Transaction<'_>,
    peer: PeerId,
    id: RequestId,
    state: OutboundState,
) -> Result<bool, StateError> {
    let withdrawn = tx.store.withdraw(peer, id)?;
    let waited = tx.store.finish_outbound(peer, id, state, None, tx.now)?;
    if waited && !withdrawn {
        tx.post(peer, &Message::TaskCancel { id })?;
    }
    Ok(waited)
}

/// The code of an answer that was kept as a failure.
pub(crate) fn failure_code(answer: &str) -> Option<ErrorCode> {
    #[derive(serde::Deserialize)]
    struct Kept {
        code: ErrorCode,
    }
    serde_json::from_str(answer).ok().map(|Kept { code }| code)
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

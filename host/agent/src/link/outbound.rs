//! Questions of ours to a peer, and the wait for the answer.

use std::time::Duration;

use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId};
use coworker_store::{Outbound, OutboundState};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::keep_linked::IMPATIENT;
use crate::link::links::Links;
use crate::link::waiting::{Heard, Question};
use crate::state::{StateError, Transaction};
use crate::trust::peer_names;

/// How long an unreachable peer is dialled before the error is reported. A peer that restarts is back sooner.
const REACH: Duration = Duration::from_secs(10);

impl Links {
    /// Asks `peer` and waits for its answer, up to `timeout`. The message stays in the outbox until it is
    /// acknowledged, so a connection that breaks on the way costs time only.
    pub(crate) async fn ask(
        &self,
        peer: PeerId,
        id: RequestId,
        message: Message,
        timeout: Duration,
    ) -> Result<Message, OpError> {
        self.ask_for(&CallObserver::default(), peer, id, message, timeout).await
    }

    /// Asks in the same way, tells `observer` the updates of a call, and lets it cancel.
    pub(crate) async fn ask_for(
        &self,
        observer: &CallObserver,
        peer: PeerId,
        id: RequestId,
        message: Message,
        timeout: Duration,
    ) -> Result<Message, OpError> {
        let mut question = self.waiting.ask(peer, id);
        let is_call = matches!(message, Message::TaskRequest { .. });
        let linked = self.state.run(move |tx| send(tx, peer, &message)).await?;
        let give_up_at = tokio::time::Instant::now() + timeout;
        // One limit each, so that an unreachable peer is never mistaken for one that does not answer.
        let answer = async {
            if !linked {
                self.reach(peer, timeout.min(REACH)).await?;
            }
            let answer = tokio::time::timeout_at(give_up_at, hear(observer, &mut question)).await;
            answer.map_err(|_| timed_out(timeout))?
        };
        let answer = tokio::select! {
            biased;
            () = observer.cancelled() => Err(OpError::new(ErrorCode::Cancelled, "you cancelled the call")),
            answer = answer => answer,
            // The peer runs nothing for a caller that is away, so a broken connection is restored even if no mail
            // waits.
            never = self.stay_linked(peer), if is_call => never,
        };
        if answer.is_err() {
            self.give_up(peer, id).await?;
        }
        answer
    }

    /// Dials until a connection stands.
    async fn reach(&self, peer: PeerId, timeout: Duration) -> Result<(), OpError> {
        let mut last = None;
        let dial =
            self.dial_until_linked(peer, IMPATIENT, |error| last = Some(OpError::fault(error).message));
        if tokio::time::timeout(timeout, dial).await.is_ok() {
            return Ok(());
        }
        let name = peer_names::shown(&self.state, peer).await;
        let why = last.map(|why| format!(": {why}")).unwrap_or_default();
        Err(OpError::new(ErrorCode::PeerUnreachable, format!("cannot reach {name}{why}"))
            .hint("check that `coworker serve` runs there and that both are on one network")
            .suggest("check this side", ["doctor"]))
    }

    /// Takes the message back if it has not left yet; cancels a call that has left.
    async fn give_up(&self, peer: PeerId, id: RequestId) -> Result<(), OpError> {
        self.state.run(move |tx| withdraw(tx, peer, id, OutboundState::Abandoned)).await?;
        self.deliver_mail(peer);
        Ok(())
    }
}

/// Posts the message; a call also gets a row that waits for its answer. Returns true if the peer is connected.
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

fn timed_out(timeout: Duration) -> OpError {
    let seconds = timeout.as_secs_f64();
    OpError::new(ErrorCode::Deadline, format!("no answer within {seconds} s"))
        .hint("wait longer: --timeout SECONDS")
}

/// Takes a message back. Returns true if it was a call that waited for its answer; one that has left is cancelled.
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

/// An answer to a call as it is kept: its state and its JSON text.
pub(crate) fn record(answer: &Message) -> Option<(OutboundState, String)> {
    match answer {
        Message::TaskResponse { output, .. } => Some((OutboundState::Done, output.to_string())),
        Message::TaskError { code, message, .. } | Message::Error { code, message, .. } => {
            Some((OutboundState::Failed, json!({ "code": code, "message": message }).to_string()))
        }
        _ => None,
    }
}

use std::time::Duration;

use coworker_api::ops::{TaskOutput, TaskResult};
use coworker_policy::ErrorCode;
use coworker_store::{Outbound, OutboundState};
use serde::Deserialize;

use super::Run;
use super::call::hinted;
use super::discover::checked_timeout;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::requests::{self, MOMENT};
use crate::state::StateError;
use crate::trust::peer_names;

#[derive(Deserialize)]
struct Failed {
    code: ErrorCode,
    message: String,
}

impl Run for TaskResult {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<TaskOutput, OpError> {
        let limit = self.timeout.map(checked_timeout).transpose()?;
        let row = requests::find(&agent.state, &self.id, false).await?;
        let limit = match (self.wait, agent.core.serves()) {
            (true, _) => limit,
            (false, true) => Some(Duration::ZERO),
            // The answer may wait where it was made, and nobody else fetches it.
            (false, false) => Some(MOMENT),
        };
        let row = match row.state {
            OutboundState::Waiting => await_end(agent, observer, row, limit).await?,
            _ => row,
        };
        told(agent, row).await
    }
}

/// The request as it is once it has ended, or as it is when `limit` is over.
async fn await_end(
    agent: &Agent,
    observer: &CallObserver,
    open: Outbound,
    limit: Option<Duration>,
) -> Result<Outbound, OpError> {
    let peer = open.peer;
    let over = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = observer.cancelled() => {
            Err(OpError::new(ErrorCode::Cancelled, "you stopped waiting; the request stays open"))
        }
        ended = ended(agent, &open) => Ok(ended?),
        () = over => Ok(open),
        never = agent.links.keep_linked(peer) => never,
    }
}

async fn ended(agent: &Agent, open: &Outbound) -> Result<Outbound, StateError> {
    let expires_ms = open.expires_ms.unwrap_or(i64::MAX);
    loop {
        let mut answer = std::pin::pin!(agent.links.waiting().any_answer());
        // Before the look, so that an answer in between is not missed.
        answer.as_mut().enable();
        let id = open.id;
        let row = agent.state.run(move |tx| {
            tx.store.expire_outbound(tx.now)?;
            Ok(tx.store.outbound(id)?)
        });
        match row.await? {
            Some(row) if row.state == OutboundState::Waiting => {}
            Some(row) => return Ok(row),
            None => return Err(StateError::Undone),
        }
        let expired = async {
            agent.core.clock.sleep_until_ms(expires_ms).await;
            // A clock that is set back meanwhile must not make this loop spin.
            tokio::time::sleep(PAUSE).await;
        };
        tokio::select! {
            () = answer => {}
            () = expired => {}
        }
    }
}

const PAUSE: Duration = Duration::from_millis(50);

async fn told(agent: &Agent, row: Outbound) -> Result<TaskOutput, OpError> {
    let answer = row.answer.as_deref().unwrap_or("null");
    match row.state {
        OutboundState::Done => Ok(TaskOutput {
            id: row.id,
            output: serde_json::from_str(answer).map_err(|error| OpError::fault(&error))?,
            peer: row.peer,
            skill: row.skill,
            at_ms: row.at_ms,
            done_ms: row.done_ms,
        }),
        OutboundState::Failed => {
            let Failed { code, message } =
                serde_json::from_str(answer).map_err(|error| OpError::fault(&error))?;
            let peer = row.peer.short();
            Err(hinted(OpError::from_peer(code, message), &peer))
        }
        OutboundState::Waiting => Err(still_open(agent, &row).await?),
        OutboundState::Cancelled => Err(OpError::new(ErrorCode::Cancelled, "you cancelled the request")),
        OutboundState::Abandoned => {
            Err(OpError::new(ErrorCode::Cancelled, "nobody waited for the call any more"))
        }
        OutboundState::Expired => {
            Err(OpError::new(ErrorCode::Expired, "the request expired before it was answered")
                .suggest("ask again, and give it longer", ["request", "…", "--expires", "30d"]))
        }
    }
}

async fn still_open(agent: &Agent, row: &Outbound) -> Result<OpError, OpError> {
    let (peer, id) = (row.peer, row.id);
    let waits = agent.state.run(move |tx| Ok(tx.store.is_queued(peer, id)?)).await?;
    let name = peer_names::shown(&agent.state, peer).await;
    let message = if waits {
        format!("still open: it waits here until {name} can be reached")
    } else {
        format!("still open: {name} has it and has not answered yet")
    };
    Ok(OpError::new(ErrorCode::Deadline, message)
        .suggest("wait for it", ["result".to_owned(), format!("{id:.8}"), "--wait".to_owned()]))
}

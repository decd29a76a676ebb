use coworker_channel::{Message, RequestId};
use coworker_policy::{ErrorCode, PeerId, Text};
use coworker_store::Outbound;
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;
use crate::{courier, outbound};

/// Shortest start of an id that names a request.
const MIN_START: usize = 4;

/// Takes back a request of ours that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cancel {
    /// The request's id, or the start of it.
    pub id: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Cancelled {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
}

impl Operation for Cancel {
    type Answer = Cancelled;

    async fn run(self, agent: &Agent) -> Result<Cancelled, OpError> {
        let typed = self.id.to_ascii_lowercase();
        if typed.len() < MIN_START {
            let message = format!("name at least {MIN_START} characters of the request's id");
            return Err(OpError::new(ErrorCode::Usage, message));
        }
        let found = agent.desk.run(move |work| Ok(work.tx.waiting_outbound(&typed, 2)?)).await?;
        let Outbound { id, peer, skill, .. } = the_one(&self.id, found)?;
        let id: RequestId = id.parse().map_err(|error| OpError::fault(&error))?;
        // It may have been answered meanwhile.
        if !agent.desk.run(move |work| outbound::withdraw(work, peer, id)).await? {
            return Err(none(&self.id));
        }
        // A command that waits for the answer need not wait for the peer's word.
        let message = Text::sanitized("the call was cancelled");
        agent.waiting.answer(peer, Message::TaskError { id, code: ErrorCode::Cancelled, message });
        courier::mail_waits(agent, peer).await;
        Ok(Cancelled { id, peer, skill })
    }
}

fn the_one(typed: &str, mut found: Vec<Outbound>) -> Result<Outbound, OpError> {
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(none(typed)),
        (Some(_), Some(_)) => {
            Err(OpError::new(ErrorCode::Usage, format!("more than one request begins with {typed}"))
                .hint("name more of its id"))
        }
    }
}

fn none(typed: &str) -> OpError {
    OpError::new(ErrorCode::Usage, format!("no request that waits for its answer begins with {typed}"))
}

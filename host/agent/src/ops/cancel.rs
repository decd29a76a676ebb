use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text};
use coworker_store::{Outbound, OutboundState};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::link::outbound;
use crate::link::redial;
use crate::link::requests;

/// Takes back a request of ours that waits for its answer. One that has left is withdrawn at the peer, too,
/// when it can be reached.
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
        let Outbound { id, peer, skill, .. } = agent.find_request(&self.id, true).await?;
        // It may have been answered meanwhile.
        let withdrawn = agent.state.run(move |tx| outbound::withdraw(tx, peer, id, OutboundState::Cancelled));
        if !withdrawn.await? {
            return Err(requests::no_such(&self.id, true));
        }
        // A command that waits for the answer need not wait for the peer's word.
        let message = Text::sanitized("the call was cancelled");
        agent.waiting.answer(peer, Message::TaskError { id, code: ErrorCode::Cancelled, message });
        redial::deliver_mail(agent, peer).await;
        requests::linger(agent, peer, id).await?;
        Ok(Cancelled { id, peer, skill })
    }
}

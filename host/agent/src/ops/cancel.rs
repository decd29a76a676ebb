use coworker_channel::Message;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text};
use coworker_store::{Outbound, OutboundState};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::link::outbound;
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
        let Outbound { id, peer, skill, .. } = requests::find(&agent.state, &self.id, true).await?;
        let id: RequestId = id.parse().map_err(|error| OpError::fault(&error))?;
        // It may have been answered meanwhile.
        let withdrawn = agent.state.run(move |tx| outbound::withdraw(tx, peer, id, OutboundState::Cancelled));
        if !withdrawn.await? {
            return Err(requests::OPEN_REQUESTS.missing(&self.id));
        }
        // A command that waits for the answer need not wait for the peer's word.
        let message = Text::sanitized("the call was cancelled");
        agent.links.waiting().answer(peer, Message::TaskError { id, code: ErrorCode::Cancelled, message });
        agent.links.deliver_mail(peer);
        agent.links.linger(peer, id).await?;
        Ok(Cancelled { id, peer, skill })
    }
}

use coworker_api::ops::{Cancel, Cancelled};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId, Text};
use coworker_store::{Outbound, OutboundState};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::outbound;
use crate::link::redial;
use crate::link::requests;

impl Run for Cancel {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Cancelled, OpError> {
        let Outbound { id, peer, skill, .. } = agent.find_request(&self.id, true).await?;
        let id: RequestId = id.parse().map_err(|error| OpError::fault(&error))?;
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

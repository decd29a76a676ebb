use coworker_api::ops::{Cancel, Cancelled};
use coworker_channel::Message;
use coworker_policy::{ErrorCode, Text};
use coworker_store::{Outbound, OutboundState};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::outbound;
use crate::link::requests;

impl Run for Cancel {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Cancelled, OpError> {
        let Outbound { id, peer, skill, .. } = requests::find(&agent.state, &self.id, true).await?;
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

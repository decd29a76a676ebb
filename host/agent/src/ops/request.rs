use std::time::Duration;

use coworker_api::ops::{Requested, TaskRequest};
use coworker_channel::{Message, PartOf};
use coworker_policy::{ErrorCode, RequestId};

use super::Run;
use super::call::check;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::outbound;
use crate::link::requests::LONGEST_OPEN_MS;

impl Run for TaskRequest {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Requested, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        check(&self.skill, &self.input)?;
        let (id, skill) = (RequestId::random(), self.skill);
        let expires_ms = agent.core.clock.now_ms().saturating_add(open_for(self.expires)?);
        let message = Message::TaskRequest {
            id,
            skill: skill.clone(),
            input: self.input,
            timeout_ms: None,
            expires_ms: Some(expires_ms),
            version: self.version,
            part_of: PartOf::default(),
        };
        agent.state.run(move |tx| outbound::send(tx, peer, &message)).await?;
        agent.links.deliver_mail(peer);
        agent.links.linger(peer, id).await?;
        let waits = agent.state.run(move |tx| Ok(tx.store.is_queued(peer, id)?)).await?;
        Ok(Requested { id, peer, skill, sent: !waits, expires_ms })
    }
}

/// In milliseconds.
fn open_for(expires: Duration) -> Result<i64, OpError> {
    let open_ms = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
    if (1_000..=LONGEST_OPEN_MS).contains(&open_ms) {
        return Ok(open_ms);
    }
    Err(OpError::new(ErrorCode::Usage, "--expires takes a length of time, a second to 30 days, such as 12h"))
}

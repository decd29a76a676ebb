//! Calls that our skills make of other agents' skills, each on behalf of whoever called ours.

use coworker_channel::{Delegation, Message, PartOf};
use coworker_policy::gate;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use coworker_sandbox::{FindFuture, PeerCall, PeerCallFuture, PeerFailure, Peers};
use serde::de::IgnoredAny;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::outbound;
use crate::state::audit;

/// The errands of one call.
pub(crate) struct DelegatedCalls {
    agent: Agent,
    /// The call that they are for.
    call: RequestId,
    /// What they tell the peers.
    delegation: Delegation,
}

impl DelegatedCalls {
    /// `passed_on` is how many skills stand between the first caller and this call; `root` is that first call's.
    pub(crate) fn of(agent: &Agent, call: RequestId, root: RequestId, passed_on: u8, tier: Tier) -> Self {
        let delegation = Delegation { root, depth: passed_on.saturating_add(1), at_most: tier };
        Self { agent: agent.clone(), call, delegation }
    }

    async fn run(&self, wanted: PeerCall) -> Result<String, PeerFailure> {
        let PeerCall { peer, skill, input, timeout } = wanted;
        if self.delegation.depth > gate::Delegation::MAX_DEPTH {
            return Err(PeerFailure::TooDeep);
        }
        if peer == self.agent.us {
            return Err(PeerFailure::Unavailable);
        }
        serde_json::from_str::<IgnoredAny>(&input).map_err(|_| PeerFailure::NotJson)?;
        let id = RequestId::random();
        let (call, delegation, named) = (self.call, self.delegation, skill.clone());
        let note = self.agent.state.run(move |tx| {
            // An owner can grant a peer by its id whom this agent never met.
            let known = tx.store.peer(peer)?.is_some();
            if known {
                audit::delegated_call_sent(tx, id, peer, named.as_str(), call, &delegation)?;
            }
            Ok(known)
        });
        if !note.await.map_err(|error| broken(&error.into()))? {
            return Err(PeerFailure::Unavailable);
        }
        let question = Message::TaskRequest {
            id,
            skill: skill.to_string(),
            input,
            timeout_ms: u64::try_from(timeout.as_millis()).ok(),
            expires_ms: None,
            version: None,
            part_of: PartOf { goal: None, delegation: Some(delegation) },
        };
        // On a task of its own: who is no longer waited for has to be told so, and the guest that asked may be
        // gone by then.
        let cancel = CancellationToken::new();
        let (agent, observer) = (self.agent.clone(), CallObserver::silent(cancel.clone()));
        let _no_longer_wanted = cancel.drop_guard();
        let asked = self
            .agent
            .tasks
            .spawn(async move { outbound::ask_for(&agent, &observer, peer, id, question, timeout).await });
        let answer = asked.await.map_err(|error| broken(&OpError::fault(&error)))?;
        understood(answer)
    }

    async fn named(&self, name: &str, granted: &[PeerId]) -> Option<PeerId> {
        let wanted = name.to_owned();
        let like = self.agent.state.run(move |tx| Ok(tx.store.peers_like(&wanted)?)).await.ok()?;
        let mut like = like.iter().map(|peer| peer.id).filter(|peer| granted.contains(peer));
        match (like.next(), like.next()) {
            // A stranger who took the name of a peer that was granted is in nobody's way.
            (Some(peer), None) => Some(peer),
            (Some(_), Some(_)) => None,
            (None, _) => self.agent.find_peer(name).await.ok(),
        }
    }
}

impl Peers for DelegatedCalls {
    fn find<'a>(&'a self, name: &'a str, granted: &'a [PeerId]) -> FindFuture<'a> {
        Box::pin(self.named(name, granted))
    }

    fn call(&self, delegation: PeerCall) -> PeerCallFuture<'_> {
        Box::pin(self.run(delegation))
    }
}

/// What the guest learns of an answer, or of the want of one.
fn understood(answer: Result<Message, OpError>) -> Result<String, PeerFailure> {
    match answer {
        Ok(Message::TaskResponse { output, .. }) => Ok(output.to_string()),
        Ok(Message::TaskError { code, message, .. } | Message::Error { code, message, .. }) => {
            Err(PeerFailure::Refused { code, message })
        }
        Ok(_) => {
            let message = Text::sanitized("the peer's answer is none to a call");
            Err(PeerFailure::Refused { code: ErrorCode::InvalidOutput, message })
        }
        Err(error) => Err(match error.code {
            ErrorCode::PeerUnreachable => PeerFailure::Unavailable,
            ErrorCode::Deadline | ErrorCode::Cancelled => PeerFailure::Deadline,
            _ => broken(&error),
        }),
    }
}

/// What broke is the owner's to read.
fn broken(error: &OpError) -> PeerFailure {
    tracing::warn!(%error, "a skill's call of a peer could not be made");
    PeerFailure::Broken
}

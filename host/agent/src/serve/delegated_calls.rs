//! Calls that our skills make of other agents' skills, each on behalf of the caller of ours.

use coworker_channel::{Delegation, Message, PartOf};
use coworker_policy::gate;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};
use coworker_sandbox::{FindFuture, PeerCall, PeerCallFuture, PeerFailure, Peers};
use serde::de::IgnoredAny;
use tokio_util::sync::CancellationToken;

use crate::base::core::Core;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::links::Links;
use crate::serve::calls::Calls;
use crate::state::{StateActor, audit};
use crate::trust::peer_names;

/// The delegated calls of one call.
pub(super) struct DelegatedCalls {
    core: Core,
    state: StateActor,
    links: Links,
    /// The call that they are for.
    call: RequestId,
    /// Sent along with each of them.
    delegation: Delegation,
}

impl DelegatedCalls {
    /// `passed_on` counts the skills between the first caller and this call; `root` is the root of the first call.
    pub(super) fn of(calls: &Calls, call: RequestId, root: RequestId, passed_on: u8, tier: Tier) -> Self {
        let delegation = Delegation { root, depth: passed_on.saturating_add(1), at_most: tier };
        let (core, state) = (calls.core.clone(), calls.state.clone());
        Self { core, state, links: calls.links.clone(), call, delegation }
    }

    async fn run(&self, wanted: PeerCall) -> Result<String, PeerFailure> {
        let PeerCall { peer, skill, input, timeout } = wanted;
        if self.delegation.depth > gate::Delegation::MAX_DEPTH {
            return Err(PeerFailure::TooDeep);
        }
        if peer == self.core.us {
            return Err(PeerFailure::Unavailable);
        }
        serde_json::from_str::<IgnoredAny>(&input).map_err(|_| PeerFailure::NotJson)?;
        let id = RequestId::random();
        let (call, delegation, named) = (self.call, self.delegation, skill.clone());
        let note = self.state.run(move |tx| {
            // An owner can grant a peer by its id that this agent never met.
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
        // In a task of its own: the peer must be told when nobody waits any more, and the guest that asked may be gone by
        // then.
        let cancel = CancellationToken::new();
        let (links, observer) = (self.links.clone(), CallObserver::silent(cancel.clone()));
        let _no_longer_wanted = cancel.drop_guard();
        let asked =
            self.core.tasks.spawn(async move { links.ask_for(&observer, peer, id, question, timeout).await });
        let answer = asked.await.map_err(|error| broken(&OpError::fault(&error)))?;
        understood(answer)
    }

    async fn named(&self, name: &str, granted: &[PeerId]) -> Option<PeerId> {
        peer_names::find_preferring(&self.state, name, granted).await.ok()
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

/// The guest's view of an answer, or of its absence.
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

/// Logs the fault for the owner; the guest does not learn it.
fn broken(error: &OpError) -> PeerFailure {
    tracing::warn!(%error, "a skill's call of a peer could not be made");
    PeerFailure::Broken
}

//! The path of one call, from a request to its answer.

use std::time::Duration;

use coworker_channel::{MAX_MESSAGE, Message, RequestId};
use coworker_policy::gate::{self, Call, Caller, CheckedOutput, Standing};
use coworker_policy::{Digest, ErrorCode, Refusal, Text};
use coworker_sandbox::{Denied, Fault, StateWrite, Stopped, Usage};
use coworker_store::Inbound;

use crate::agent::Agent;
use crate::audit;
use crate::catalog::{self, CatalogError};
use crate::desk::DeskError;
use crate::error::OpError;
use crate::record::Record;
use crate::running::Ticket;
use crate::surroundings;

/// A peer's request, on disk.
pub(crate) struct Request {
    id: RequestId,
    row: Inbound,
}

/// What came of a call, with what it used if it ran.
pub(crate) struct Served {
    pub(crate) ending: Result<CheckedOutput, Failure>,
    pub(crate) usage: Option<Usage>,
    pub(crate) log: String,
    /// What the guest asked for and did not hold.
    pub(crate) denied: Vec<Denied>,
    /// Whose state these are to become part of, if the call ends well.
    pub(crate) component: Option<Digest>,
    pub(crate) state: Vec<StateWrite>,
}

/// Why there is no output. A refusal is policy's, a stop the guest's own doing; the rest is ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the sandbox failed")]
    Sandbox(#[from] Fault),
    #[error("the component is not ready")]
    Component(#[from] CatalogError),
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// The whole path: gates, audit, guest, gate. What each step needs, only the step before it makes.
pub(crate) async fn pass(agent: &Agent, id: RequestId, call: Call, ticket: &Ticket) -> Served {
    let (mut usage, mut log, mut denied) = (None, String::new(), Vec::new());
    let (mut component, mut state) = (None, Vec::new());
    let ending = async {
        let caller = call.caller;
        let tier = agent.tier(caller);
        let pace = agent.running.pace(caller, &call.skill, tier);
        let standing = Standing { tier, pending: ticket.before, pace };
        let shelf = agent.catalog.shelf();

        let call = gate::trust(call, standing)?;
        let skill = shelf.find(call.skill());
        let call = gate::listing(call, skill)?;
        let call = gate::input(call)?;
        let pseudonym = agent.pseudonym(caller, &shelf, call.skill());
        let permit = gate::grants(call, pseudonym);

        let _turn = turn(agent, &permit, ticket).await?;
        catalog::make_ready(&agent.home, &agent.sandbox, permit.component()).await?;
        let terms = permit.output_terms();
        audit::permitted(agent, id, &permit).await?; // on disk before the guest runs
        component = Some(permit.component());
        let around = surroundings::around(agent, &permit, ticket.stop.clone()).await?;
        let outcome = agent.sandbox.run(permit, around).await?;
        usage = Some(outcome.usage);
        (log, denied, state) = (outcome.log, outcome.denied, outcome.state);
        Ok(terms.check(&outcome.result?)?)
    }
    .await;
    // Whatever became of it: a component that was removed fails in its own ways, and those would tell.
    let ending = if ticket.stop.is_cancelled() { Err(Refusal::Revoked.into()) } else { ending };
    Served { ending, usage, log, denied, component, state }
}

/// Serves one peer's request to the end: its answer is on disk, and on its way if the peer is connected.
pub(crate) async fn serve(agent: Agent, request: Request) {
    let Request { id, row } = request;
    let caller = Caller::Peer(row.peer);
    let ticket = agent.running.enter(caller, &row.skill);
    let patience = row.patience_ms.map(Duration::from_millis);
    let (skill, peer) = (row.skill.clone(), row.peer);
    let call = Call { caller, skill: row.skill, input: row.input, patience };
    let mut served = tokio::select! {
        served = pass(&agent, id, call, &ticket) => served,
        // The request stays on disk: whoever serves next takes it up.
        () = agent.stop.cancelled() => return,
    };
    show_log(&skill, &served.log);

    let reply = encoded(id, &served.ending);
    let record = Record::of(&agent, caller, &skill, &mut served);
    let refused = matches!(served.ending, Err(Failure::Refused(_))) && served.usage.is_none();
    let done = agent.desk.run(move |work| {
        record.write(work, id, Some(peer), &skill)?;
        // A refused request had no effect that a second one could double.
        if refused {
            work.tx.forget_task(peer, &id.to_string())?;
        } else {
            work.tx.task_done(peer, &id.to_string(), &reply)?;
        }
        work.post_encoded(peer, Some(id), &reply)
    });
    if let Err(error) = done.await {
        tracing::error!(%peer, %error, "an answer was lost; the peer will ask again");
    }
    drop(ticket);
    crate::courier::mail_waits(&agent, peer).await;
}

/// A guest's lines go to the owner's log, as plain text, and nowhere else.
fn show_log(skill: &str, log: &str) {
    for line in log.lines() {
        tracing::info!(target: "skill", skill, "{}", Text::sanitized(line));
    }
}

/// Waits until this caller, and the sandbox, has room for one more. Revocation ends the wait.
async fn turn(agent: &Agent, permit: &gate::Permit, ticket: &Ticket) -> Result<impl Sized + use<>, Failure> {
    let of_skill = agent.running.skill_turns(permit.caller(), permit.skill(), permit.limits().concurrent);
    let turns = agent.running.turns(permit.caller(), permit.tier());
    let slots = std::sync::Arc::clone(&agent.slots);
    let wait = async {
        // The narrowest first: who waits for one skill must not hold up the caller's others.
        let own = of_skill.acquire_owned().await?;
        Ok::<_, tokio::sync::AcquireError>((own, turns.acquire_owned().await?, slots.acquire_owned().await?))
    };
    tokio::select! {
        // A turn that comes free because all are revoked is not taken.
        biased;
        () = ticket.stop.cancelled() => Err(Refusal::Revoked.into()),
        turn = wait => turn.map_err(|_| DeskError::Stopping.into()),
    }
}

/// The reply as it is kept and sent. Numbers can grow when they are written out anew, so a result within
/// its cap may still be more than one message has room for.
fn encoded(id: RequestId, ending: &Result<CheckedOutput, Failure>) -> Vec<u8> {
    let reply = reply(id, ending).encode();
    if reply.len() <= MAX_MESSAGE {
        return reply;
    }
    let message = Text::sanitized("the result is larger than a message may be");
    Message::TaskError { id, code: ErrorCode::LimitExceeded, message }.encode()
}

/// What the caller learns. Nothing of ours, and nothing of a trap, is in it.
fn reply(id: RequestId, ending: &Result<CheckedOutput, Failure>) -> Message {
    let failure = match ending {
        Ok(output) => return Message::TaskResponse { id, output: output.value().clone() },
        Err(failure) => failure,
    };
    let (code, message) = failure.public();
    Message::TaskError { id, code, message }
}

impl Failure {
    /// The owner may know the whole reason; who asks as a peer of some tier learns what that peer would.
    pub(crate) fn for_owner(&self, caller: Caller) -> OpError {
        let (code, message) = self.public();
        match caller {
            Caller::Owner => OpError { code, ..OpError::fault(self) },
            Caller::Peer(_) | Caller::OwnerAs(_) => OpError::new(code, message.to_string()),
        }
    }

    pub(crate) fn public(&self) -> (ErrorCode, Text) {
        match self {
            Self::Refused(refusal) => {
                let public = refusal.public();
                (public.code(), Text::sanitized(public.message()))
            }
            Self::Stopped(stopped) => (stopped.code(), stopped.public()),
            Self::Sandbox(_) | Self::Component(_) | Self::Desk(_) => {
                (ErrorCode::Internal, Text::sanitized("the call could not be served"))
            }
        }
    }
}

impl Request {
    pub(crate) fn new(id: RequestId, row: Inbound) -> Self {
        Self { id, row }
    }
}

//! Receipts, which both sides of a call sign once it has finished.
//!
//! The provider's draft is written down with its answer and sent after it; the caller signs in the transaction that takes
//! the draft. Each side keeps one receipt per call, and nobody can make us keep one for a call that was not made. The
//! owner's own runs have no other side that could sign: they are in the audit log only.

use coworker_channel::receipt::{CallRecord, Draft, JsonText, Known, Outcome, Receipt, Signature};
use coworker_channel::{Identity, Message};
use coworker_policy::{ErrorCode, PeerId, Refusal, RequestId};
use coworker_store::{Inbound, Outbound, OutboundState, ReceiptRole, ReceiptRow, ReceiptState};

use crate::link::outbound;
use crate::serve::failure::Failure;
use crate::serve::served::{Run, Served};
use crate::state::audit;
use crate::state::{StateError, Transaction};

/// Signs for a call that ran to its end. Returns `None` for one that did not run, or whose answer must look like that of
/// a skill that does not exist.
pub(super) fn draft(
    identity: &Identity,
    id: RequestId,
    row: &Inbound,
    served: &Served,
    answer: &Message,
) -> Option<Draft> {
    let Run { begun, usage, ending, .. } = served.run()?;
    if matches!(ending, Err(Failure::Refused(Refusal::Revoked))) {
        return None;
    }
    let record = CallRecord {
        id,
        caller: row.peer,
        provider: identity.peer_id(),
        skill: begun.skill.clone(),
        version: begun.version.clone(),
        card: begun.card,
        input: JsonText::from_typed(&row.input).content(),
        outcome: outcome_of(answer)?,
        started_ms: u64::try_from(begun.at_ms).unwrap_or_default(),
        duration_ms: u64::try_from(usage.wall.as_millis()).unwrap_or(u64::MAX),
        fuel: usage.fuel,
    };
    Draft::sign(record, identity)
}

/// The outcome that the answer tells, which may differ from the ending here.
fn outcome_of(answer: &Message) -> Option<Outcome> {
    match answer {
        Message::TaskResponse { output, .. } => Some(Outcome::Done(output.content())),
        Message::TaskError { code, .. } => Some(Outcome::Failed(*code)),
        _ => None,
    }
}

/// Keeps our draft and sends it, in the transaction of the answer and after it.
pub(super) fn issue(
    tx: &mut Transaction<'_>,
    peer: PeerId,
    id: RequestId,
    draft: &Draft,
) -> Result<(), StateError> {
    let (envelope, at_ms) = (draft.envelope(), tx.now);
    let (role, state) = (ReceiptRole::Provider, ReceiptState::Draft);
    let row = ReceiptRow { peer, id, role, state, envelope, at_ms };
    // A call with this id may have had a receipt, longer ago than answers are kept.
    if tx.store.add_receipt(&row)? { send(tx, peer, id, row.envelope) } else { Ok(()) }
}

/// Sends the receipt again, after the answer.
pub(crate) fn issue_again(tx: &mut Transaction<'_>, peer: PeerId, id: RequestId) -> Result<(), StateError> {
    let Some(row) = tx.store.receipt(peer, id, ReceiptRole::Provider)? else { return Ok(()) };
    let envelope = match row.state {
        ReceiptState::Complete => Receipt::verify(&row.envelope).ok().map(|both| both.draft().envelope()),
        ReceiptState::Draft | ReceiptState::Disputed => Some(row.envelope),
    };
    envelope.map_or(Ok(()), |envelope| send(tx, peer, id, envelope))
}

fn send(tx: &mut Transaction<'_>, peer: PeerId, id: RequestId, envelope: Vec<u8>) -> Result<(), StateError> {
    // Not tagged with the request's id: withdrawing the request must not withdraw the receipt.
    tx.post_encoded(peer, None, &Message::TaskReceipt { id, envelope }.encode())
}

/// Takes the provider's draft for a call of ours: signs it if it agrees with our records, else keeps it as disputed.
/// Returns true if a signature of ours waits to be sent.
pub(crate) fn received(
    identity: &Identity,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    envelope: &[u8],
) -> Result<bool, StateError> {
    // Anything else is dropped before it costs a signature or a byte on disk.
    let Some(call) = tx.store.outbound(id)?.filter(|call| call.peer == from) else {
        tracing::info!(peer = %from, "dropped a receipt for a call that we did not make");
        return Ok(false);
    };
    if let Some(kept) = tx.store.receipt(from, id, ReceiptRole::Caller)? {
        return sign_again(tx, from, id, &kept);
    }
    let draft = match Draft::verify(envelope) {
        Ok(draft) if draft.record().provider == from => draft,
        Ok(_) => {
            tracing::info!(peer = %from, "dropped a receipt of another provider");
            return Ok(false);
        }
        Err(bad) => {
            tracing::info!(peer = %from, %bad, "dropped a malformed receipt");
            return Ok(false);
        }
    };
    let Some(outcome) = known_outcome(&call, draft.record().outcome) else {
        tracing::info!(peer = %from, %id, "dropped a receipt for a call that has no answer here");
        return Ok(false);
    };
    keep(identity, tx, &call, id, draft, outcome)
}

fn keep(
    identity: &Identity,
    tx: &mut Transaction<'_>,
    call: &Outbound,
    id: RequestId,
    draft: Draft,
    outcome: Outcome,
) -> Result<bool, StateError> {
    let ended_ms = call.done_ms.filter(|_| call.state != OutboundState::Abandoned).unwrap_or(tx.now);
    let known = Known {
        id,
        provider: call.peer,
        skill: &call.skill,
        version: None,
        card: None,
        input: JsonText::from_typed(&call.input).content(),
        outcome,
        asked_ms: u64::try_from(call.at_ms).unwrap_or_default(),
        answered_ms: u64::try_from(ended_ms).unwrap_or_default(),
    };
    let claimed = draft.envelope();
    let (state, envelope) = match draft.countersign(&known, identity) {
        Ok(receipt) => {
            countersign(tx, call.peer, id, receipt.caller_signature())?;
            (ReceiptState::Complete, receipt.envelope())
        }
        Err(mismatch) => {
            audit::receipt_disputed(tx, call.peer, id, &call.skill, mismatch)?;
            (ReceiptState::Disputed, claimed)
        }
    };
    let role = ReceiptRole::Caller;
    let row = ReceiptRow { peer: call.peer, id: call.id, role, state, envelope, at_ms: tx.now };
    tx.store.add_receipt(&row)?;
    Ok(state == ReceiptState::Complete)
}

/// The outcome of a call as we know it. Of a call that we gave up we know only that; a peer that says it was done may be
/// right, but we did not keep the answer.
fn known_outcome(call: &Outbound, told: Outcome) -> Option<Outcome> {
    let answer = call.answer.as_deref();
    match call.state {
        OutboundState::Waiting => None,
        OutboundState::Done => Some(Outcome::Done(JsonText::from_typed(answer?).content())),
        OutboundState::Failed => Some(Outcome::Failed(outbound::failure_code(answer?)?)),
        OutboundState::Abandoned | OutboundState::Cancelled | OutboundState::Expired => {
            let given_up = matches!(
                told,
                Outcome::Failed(ErrorCode::Cancelled | ErrorCode::Deadline | ErrorCode::Expired)
            );
            given_up.then_some(told)
        }
    }
}

/// Signs again for a provider that lost our signature, for example because it restored a backup.
fn sign_again(
    tx: &mut Transaction<'_>,
    provider: PeerId,
    id: RequestId,
    kept: &ReceiptRow,
) -> Result<bool, StateError> {
    let Ok(receipt) = Receipt::verify(&kept.envelope) else { return Ok(false) };
    countersign(tx, provider, id, receipt.caller_signature())?;
    Ok(true)
}

fn countersign(
    tx: &mut Transaction<'_>,
    provider: PeerId,
    id: RequestId,
    signature: Signature,
) -> Result<(), StateError> {
    // Nobody waits for the signature, and a commit of its own on each side would cost more than the rest of it.
    tx.post_along(provider, &Message::TaskCountersigned { id, signature })
}

/// Takes the caller's signature for a draft of ours.
pub(crate) fn countersigned(
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    signature: Signature,
) -> Result<(), StateError> {
    let draft = tx.store.receipt(from, id, ReceiptRole::Provider)?;
    let Some(draft) = draft.filter(|row| row.state == ReceiptState::Draft) else { return Ok(()) };
    match Draft::verify(&draft.envelope).and_then(|draft| draft.complete(signature)) {
        Ok(receipt) => drop(tx.store.complete_receipt(from, id, &receipt.envelope())?),
        Err(bad) => tracing::info!(peer = %from, %bad, "dropped a signature that does not fit"),
    }
    Ok(())
}

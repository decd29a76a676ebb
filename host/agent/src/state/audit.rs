//! The audit log of decisions, for the owner. A permit is on disk before its guest runs.

use coworker_channel::Delegation;
use coworker_channel::receipt::Mismatch;
use coworker_policy::gate::Caller;
use coworker_policy::trust::{TierChange, TokenRefusal};
use coworker_policy::{Digest, Fix, GroupId, PeerId, Refusal, RequestId, Text, Tier};
use coworker_sandbox::Denied;
use coworker_store::{AuditHead, NewAudit};
use serde_json::{Value, json};

use super::{StateError, Transaction};

pub(crate) const PERMITTED: &str = "call_permitted";
pub(crate) const FINISHED: &str = "call_finished";
pub(crate) const REFUSED: &str = "call_refused";
/// A run that was cut off. The call runs again, unless its caller has no time left.
pub(crate) const INTERRUPTED: &str = "call_interrupted";
pub(crate) const GOAL_BEGUN: &str = "goal_begun";
pub(crate) const MODEL_ASKED: &str = "model_asked";
const CANCELLED: &str = "call_cancelled";

/// A step in the life of a served call.
pub(crate) fn call(
    tx: &mut Transaction<'_>,
    event: &'static str,
    id: RequestId,
    peer: Option<PeerId>,
    skill: &str,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, event, peer, Some(id), Some(skill), detail)
}

/// A run ended without a result, and nothing of it stays.
pub(crate) fn interrupted(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: Option<PeerId>,
    skill: &str,
) -> Result<(), StateError> {
    write(tx, INTERRUPTED, peer, Some(id), Some(skill), &json!({}))
}

/// A skill asked the language model. The row has the usage, never the question.
pub(crate) fn model_asked(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: Option<PeerId>,
    skill: &str,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, MODEL_ASKED, peer, Some(id), Some(skill), detail)
}

/// The language model was asked for a plan. The row has the usage, never the question.
pub(crate) fn plan_asked(
    tx: &mut Transaction<'_>,
    plan: RequestId,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, "plan_asked", None, Some(plan), None, detail)
}

/// The caller no longer wants the answer.
pub(crate) fn cancelled(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: PeerId,
    skill: &str,
) -> Result<(), StateError> {
    write(tx, CANCELLED, Some(peer), Some(id), Some(skill), &json!({}))
}

/// A skill of ours calls a peer's on behalf of its own caller. Committed before anything leaves.
pub(crate) fn delegated_call_sent(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: PeerId,
    skill: &str,
    call: RequestId,
    delegation: &Delegation,
) -> Result<(), StateError> {
    let detail = json!({ "for": call, "depth": delegation.depth, "at_most": delegation.at_most });
    write(tx, "errand_sent", Some(peer), Some(id), Some(skill), &detail)
}

/// A peer signed a receipt for a call of ours that does not agree with our records.
pub(crate) fn receipt_disputed(
    tx: &mut Transaction<'_>,
    provider: PeerId,
    id: RequestId,
    skill: &str,
    why: Mismatch,
) -> Result<(), StateError> {
    let detail = json!({ "reason": why.to_string() });
    write(tx, "receipt_disputed", Some(provider), Some(id), Some(skill), &detail)
}

pub(crate) fn message_refused(
    tx: &mut Transaction<'_>,
    from: PeerId,
    refusal: &Refusal,
) -> Result<(), StateError> {
    write(tx, "message_refused", Some(from), None, None, &json!({ "reason": refusal.to_string() }))
}

pub(crate) fn trust_asked(
    tx: &mut Transaction<'_>,
    from: PeerId,
    tier: Tier,
    reason: &Text,
) -> Result<(), StateError> {
    write(tx, "trust_asked", Some(from), None, None, &json!({ "tier": tier, "reason": reason }))
}

/// The peer answered our request for trust with a tier, or with `None` for a refusal.
pub(crate) fn trust_answered(
    tx: &mut Transaction<'_>,
    from: PeerId,
    tier: Option<Tier>,
) -> Result<(), StateError> {
    write(tx, "trust_answered", Some(from), None, None, &json!({ "granted": tier }))
}

pub(crate) fn trust_set(
    tx: &mut Transaction<'_>,
    peer: PeerId,
    before: Tier,
    after: Tier,
    reason: &str,
) -> Result<(), StateError> {
    let detail = json!({ "before": before, "after": after, "reason": reason });
    write(tx, "trust_set", Some(peer), None, None, &detail)
}

/// Trust changed without a decision of the moment: by time, use, conduct, or an invite that the owner wrote earlier.
pub(crate) fn trust_changed(
    tx: &mut Transaction<'_>,
    peer: PeerId,
    change: TierChange,
) -> Result<(), StateError> {
    let TierChange { from, to, reason } = change;
    let detail = json!({ "before": from, "after": to, "reason": reason.to_string(), "cause": reason.name() });
    write(tx, "trust_changed", Some(peer), None, None, &detail)
}

/// The owner wrote an invite with a grant, or revoked it. Its secret is in no log.
pub(crate) fn invite_changed(
    tx: &mut Transaction<'_>,
    event: &str,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, event, None, None, None, detail)
}

/// The peer does not learn the reason.
pub(crate) fn invite_refused(
    tx: &mut Transaction<'_>,
    from: PeerId,
    refusal: TokenRefusal,
) -> Result<(), StateError> {
    write(tx, "invite_refused", Some(from), None, None, &json!({ "reason": refusal.to_string() }))
}

pub(crate) fn skill_changed(
    tx: &mut Transaction<'_>,
    event: &str,
    skill: &str,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, event, None, None, Some(skill), detail)
}

/// A goal of ours begins; `model` is the use of the language model for its plan.
pub(crate) fn goal_begun(tx: &mut Transaction<'_>, goal: RequestId, model: &Value) -> Result<(), StateError> {
    write(tx, GOAL_BEGUN, None, Some(goal), None, &json!({ "goal": goal, "model": model }))
}

/// An event of a goal; `note` is its ending or the reason for a refusal.
pub(crate) fn goal(
    tx: &mut Transaction<'_>,
    event: &str,
    peer: Option<PeerId>,
    goal: RequestId,
    note: &str,
) -> Result<(), StateError> {
    let note = (!note.is_empty()).then_some(note);
    write(tx, event, peer, None, None, &json!({ "goal": goal, "note": note }))
}

/// The members of a group changed, or a peer asked for a change.
pub(crate) fn group(
    tx: &mut Transaction<'_>,
    event: &str,
    group: GroupId,
    peer: Option<PeerId>,
) -> Result<(), StateError> {
    write(tx, event, peer, None, None, &json!({ "group": group }))
}

/// The owner pruned this log up to and including `base`.
pub(crate) fn pruned(tx: &mut Transaction<'_>, base: AuditHead, rows: u64) -> Result<(), StateError> {
    let detail = json!({ "up_to": base.to_string(), "rows": rows });
    write(tx, "audit_pruned", None, None, None, &detail)
}

/// The owner edited policy files by hand, and they are in force now.
pub(crate) fn policies_edited(tx: &mut Transaction<'_>, components: &[Digest]) -> Result<(), StateError> {
    components.iter().try_for_each(|component| {
        write(tx, "policy_edited", None, None, None, &json!({ "component": component }))
    })
}

/// A skill asked for access that this call does not have. The row tells the grant that would allow it, or another fix.
pub(crate) fn access_denied(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: Option<PeerId>,
    skill: &str,
    denied: &Denied,
    fix: Fix,
) -> Result<(), StateError> {
    let Denied { capability, what } = denied;
    let (mut grant, mut from, mut other) = (None, None, None);
    match fix {
        Fix::Grant { from: tier } => {
            from = tier;
            grant = Some(grant_line(skill, denied, tier));
        }
        Fix::TakeOutDeny => other = Some(format!("take the [[deny]] of {capability} out of policy.toml")),
        Fix::Trust(tier) => other = Some(format!("callers from {tier} up have it")),
        Fix::Nothing => {}
    }
    let detail =
        json!({ "capability": capability, "what": what, "from": from, "grant": grant, "mend": other });
    write(tx, "access_denied", peer, Some(id), Some(skill), &detail)
}

/// A call was about to disclose private text. The row never has the text.
pub(crate) fn leak_found(
    tx: &mut Transaction<'_>,
    id: RequestId,
    peer: Option<PeerId>,
    skill: &str,
    detail: &Value,
) -> Result<(), StateError> {
    write(tx, "leak_found", peer, Some(id), Some(skill), detail)
}

fn grant_line(skill: &str, denied: &Denied, from: Option<Tier>) -> String {
    // The guest chose these words, and the owner may paste the line into a shell.
    let quoted = denied.what.replace('\'', r"'\''");
    let argument = if quoted.is_empty() { String::new() } else { format!(" '{quoted}'") };
    let from = from.map(|tier| format!(" --from {}", tier.name())).unwrap_or_default();
    format!("coworker skill grant {skill} {}{argument}{from}", denied.capability)
}

fn write(
    tx: &mut Transaction<'_>,
    event: &str,
    peer: Option<PeerId>,
    task: Option<RequestId>,
    skill: Option<&str>,
    detail: &Value,
) -> Result<(), StateError> {
    // A caller may send any text as a skill's name; the log keeps it plain.
    let skill = skill.map(|skill| Text::sanitized(skill).to_string());
    // The owner follows these lines on the terminal of a running `serve`.
    let from = peer.map(|peer| peer.short());
    let (from, of, outcome) =
        (from.as_deref(), skill.as_deref(), detail.get("outcome").and_then(Value::as_str));
    tracing::info!(target: "audit", peer = from, skill = of, outcome, "{event}");
    tx.store.audit(&NewAudit { at_ms: tx.now, event, peer, task, skill: skill.as_deref(), detail })?;
    Ok(())
}

pub(crate) fn peer_of(caller: Caller) -> Option<PeerId> {
    match caller {
        Caller::Peer(peer) => Some(peer),
        Caller::Owner | Caller::OwnerAs(_) => None,
    }
}

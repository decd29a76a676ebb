//! Audit rows of a served call: that it may run, and how it ended.

use coworker_policy::gate::{Caller, Permit};
use coworker_policy::trust::Spent;
use coworker_policy::{PeerId, RequestId};
use serde_json::{Value, json};

use crate::base::error::OpError;
use crate::serve::served::{Run, Served};
use crate::state::{JobError, StateActor, StateError, Transaction, audit};
use crate::trust::book::TrustBook;

/// Writes down that a call may run, with its grants and limits. The same transaction counts the call against its
/// caller's lease; if the lease is used up by now, the call must not run.
pub(super) async fn permitted(
    state: &StateActor,
    trust: &TrustBook,
    id: RequestId,
    permit: Permit,
) -> Result<Permit, JobError<Spent>> {
    let (peer, tier, trust) = (audit::peer_of(permit.caller()), permit.tier(), trust.clone());
    let skill = permit.skill().to_owned();
    let detail = json!({
        "caller": caller(permit.caller()),
        "tier": permit.tier(),
        "grants": permit.grants(),
        "limits": permit.limits(),
        "wall_ms": u64::try_from(permit.wall().as_millis()).unwrap_or(u64::MAX),
        "component": permit.component(),
    });
    let written = state.decide(move |tx| {
        if let Some(peer) = peer {
            trust.call_counted(tx, peer, tier)?;
            tx.store.task_running(peer, id)?;
        }
        Ok(audit::call(tx, audit::PERMITTED, id, peer, &skill, &detail)?)
    });
    written.await.map(|()| permit)
}

/// A finished call without its input and output, which are not in the audit log.
pub(super) struct Finished {
    event: &'static str,
    detail: Value,
}

impl Finished {
    pub(super) fn of(served: &Served) -> Self {
        let (outcome, reason) = match served.ending() {
            Ok(_) => ("ok".to_owned(), None),
            // The owner reads the whole chain of causes; a peer never sees it.
            Err(failure) => (failure.public().0.to_string(), Some(OpError::fault(failure).message)),
        };
        let Some(Run { usage, denied, .. }) = served.run() else {
            return Self { event: audit::REFUSED, detail: json!({ "outcome": outcome, "reason": reason }) };
        };
        let detail = json!({
            "outcome": outcome,
            "reason": reason,
            "fuel_used": usage.fuel,
            "peak_memory_bytes": usage.peak_memory,
            "duration_ms": usage.wall.as_secs_f64() * 1000.0,
            "host_calls": usage.host_calls,
            "log_bytes": usage.log_bytes,
            "denied": (!denied.is_empty()).then_some(denied.len()),
        });
        Self { event: audit::FINISHED, detail }
    }

    pub(super) fn write(
        &self,
        tx: &mut Transaction<'_>,
        id: RequestId,
        peer: Option<PeerId>,
        skill: &str,
    ) -> Result<(), StateError> {
        audit::call(tx, self.event, id, peer, skill, &self.detail)
    }
}

fn caller(caller: Caller) -> Value {
    match caller {
        Caller::Peer(peer) => json!(peer),
        Caller::Owner => json!("owner"),
        Caller::OwnerAs(tier) => json!(format!("owner as {}", tier.name())),
    }
}

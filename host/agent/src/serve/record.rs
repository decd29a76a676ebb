//! The record of a served call, written in one transaction with its answer: its ending, its denials, the private text that
//! it disclosed, and its skill's state writes. So a call that runs twice, because the process ended in the middle, has
//! one effect.

use std::sync::PoisonError;

use coworker_policy::gate::Caller;
use coworker_policy::{Digest, Fix, PeerId, RequestId, Tier};
use coworker_sandbox::{Denied, StateWrite};
use coworker_store::StateChange;

use crate::serve::audited::Finished;
use crate::serve::calls::Calls;
use crate::serve::leaks::Watched;
use crate::serve::served::{Run, Served};
use crate::state::{StateError, Transaction, audit};

pub(crate) struct Record {
    entry: Finished,
    /// Each with its fix. Denials that were written down for this caller lately are left out.
    denied: Vec<(Denied, Fix)>,
    /// One call too many: a caller that never stops asking must not fill the log.
    throttled: bool,
    /// The caller cancelled it.
    cancelled: bool,
    /// The component whose state the writes change.
    state: Option<(Digest, Vec<StateWrite>)>,
    watched: Option<Watched>,
}

impl Record {
    /// Only a call that passed the last gate writes state.
    pub(crate) fn of(calls: &Calls, caller: Caller, skill: &str, served: Served) -> Self {
        let entry = Finished::of(&served);
        let (denied, state, watched) = match served {
            Served::NotRun(_) => (Vec::new(), None, None),
            Served::Broken { watched, .. } => (Vec::new(), None, watched),
            Served::Ran(run) => {
                let Run { ending, begun, denied, state, watched, .. } = *run;
                let writes = ending.is_ok() && !state.is_empty();
                let denied = with_fixes(calls, caller, skill, begun.tier, denied);
                (denied, writes.then_some((begun.component, state)), watched)
            }
        };
        Self { entry, denied, throttled: false, cancelled: false, state, watched }
    }

    /// Notes the caller's part in the ending: one call `too_many`, or a cancellation.
    pub(crate) fn by_caller(self, too_many: bool, cancelled: bool) -> Self {
        Self { throttled: too_many, cancelled, ..self }
    }

    pub(crate) fn write(
        self,
        tx: &mut Transaction<'_>,
        id: RequestId,
        peer: Option<PeerId>,
        skill: &str,
    ) -> Result<(), StateError> {
        if !self.throttled || peer.is_none_or(|peer| tx.may_note(peer)) {
            if let Some(peer) = peer.filter(|_| self.cancelled) {
                audit::cancelled(tx, id, peer, skill)?;
            }
            self.entry.write(tx, id, peer, skill)?;
        }
        for (denied, fix) in &self.denied {
            audit::access_denied(tx, id, peer, skill, denied, *fix)?;
        }
        if let Some(watched) = &self.watched {
            watched.write(tx, id, peer, skill)?;
        }
        let Some((component, state)) = self.state else { return Ok(()) };
        let buckets: Vec<String> = state.iter().map(|write| write.bucket.to_string()).collect();
        let named = state.iter().zip(&buckets);
        let changes: Vec<_> = named.map(|(write, bucket)| change(write, bucket)).collect();
        Ok(tx.store.apply_state(component, &changes)?)
    }
}

/// Adds the fix to each denial that was not written down lately. `tier` is the tier that the call was judged at.
fn with_fixes(
    calls: &Calls,
    caller: Caller,
    skill: &str,
    tier: Tier,
    denied: Vec<Denied>,
) -> Vec<(Denied, Fix)> {
    let snapshot = calls.catalog.snapshot();
    let Some(terms) = snapshot.find(skill).map(|skill| skill.terms()) else { return Vec::new() };
    let now = calls.core.clock.now_ms();
    let peer = audit::peer_of(caller);
    let mut noted = calls.denials.lock().unwrap_or_else(PoisonError::into_inner);
    let news =
        denied.into_iter().filter(|denied| noted.is_news(now, snapshot.generation(), peer, skill, denied));
    let with_fix = |denied: Denied| {
        let fix = terms.granted().fix(denied.capability, &denied.what, tier);
        (denied, fix)
    };
    news.map(with_fix).collect()
}

fn change<'a>(write: &'a StateWrite, bucket: &'a str) -> StateChange<'a> {
    StateChange { bucket, key: &write.key, value: write.value.as_deref() }
}

//! What is written down of a served call, in one transaction with its answer: how it ended, what it was
//! denied, what it drew, and what its skill wants remembered. So a call that runs twice, because the process ended in the
//! middle, has one effect.

use std::sync::PoisonError;

use coworker_policy::gate::Caller;
use coworker_policy::{Digest, Fix, PeerId, RequestId, Tier};
use coworker_sandbox::{Denied, StateWrite};
use coworker_store::StateChange;

use crate::agent::Agent;
use crate::serve::audited::Finished;
use crate::serve::inbound::Served;
use crate::serve::leaks::Watched;
use crate::state::audit;
use crate::state::{StateError, Transaction};

pub(crate) struct Record {
    entry: Finished,
    /// With what would have allowed it. What was written down for this caller lately is not in here.
    denied: Vec<(Denied, Fix)>,
    /// It was one call too many: who never stops asking does not fill the log.
    throttled: bool,
    /// Its caller no longer wanted the answer.
    cancelled: bool,
    component: Option<Digest>,
    state: Vec<StateWrite>,
    watched: Option<Watched>,
}

impl Record {
    /// Only a call that passed the last gate leaves anything in the state.
    pub(crate) fn of(agent: &Agent, caller: Caller, skill: &str, served: &mut Served) -> Self {
        let state = std::mem::take(&mut served.state);
        Self {
            throttled: false,
            cancelled: false,
            entry: Finished::of(served),
            denied: denied(agent, caller, skill, served.at_most, std::mem::take(&mut served.denied)),
            component: served.component,
            watched: served.watched.take(),
            state: if served.ending.is_ok() { state } else { Vec::new() },
        }
    }

    /// What was not the skill's doing: it was one call `too_many`, or its caller did not want the answer any more.
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
        let Some(component) = self.component.filter(|_| !self.state.is_empty()) else { return Ok(()) };
        let buckets: Vec<String> = self.state.iter().map(|write| write.bucket.to_string()).collect();
        let named = self.state.iter().zip(&buckets);
        let changes: Vec<_> = named.map(|(write, bucket)| change(write, bucket)).collect();
        Ok(tx.store.apply_state(component, &changes)?)
    }
}

fn denied(
    agent: &Agent,
    caller: Caller,
    skill: &str,
    at_most: Tier,
    denied: Vec<Denied>,
) -> Vec<(Denied, Fix)> {
    let snapshot = agent.catalog.snapshot();
    let Some(terms) = snapshot.find(skill).map(|skill| skill.terms()) else { return Vec::new() };
    let (tier, now) = (agent.trust.tier_of(caller).min(at_most), agent.core.clock.now_ms());
    let peer = audit::peer_of(caller);
    let mut noted = agent.denials.lock().unwrap_or_else(PoisonError::into_inner);
    let news = denied.into_iter().filter(|denied| noted.is_news(now, snapshot.generation(), peer, skill, denied));
    let mended = |denied: Denied| {
        let fix = terms.granted().fix(denied.capability, &denied.what, tier);
        (denied, fix)
    };
    news.map(mended).collect()
}

fn change<'a>(write: &'a StateWrite, bucket: &'a str) -> StateChange<'a> {
    StateChange { bucket, key: &write.key, value: write.value.as_deref() }
}

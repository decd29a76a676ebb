//! What is written down of a served call, in one transaction with its answer: how it ended, what it was
//! denied, and what its skill wants remembered. So a call that runs twice, because the process ended in the
//! middle, has one effect.

use coworker_channel::RequestId;
use coworker_policy::{Digest, PeerId};
use coworker_sandbox::{Denied, StateWrite};
use coworker_store::StateChange;

use crate::audit;
use crate::desk::{DeskError, Work};
use crate::inbound::Served;

pub(crate) struct Record {
    entry: audit::Finished,
    denied: Vec<Denied>,
    component: Option<Digest>,
    state: Vec<StateWrite>,
}

impl Record {
    /// Only a call that passed the last gate leaves anything in the state.
    pub(crate) fn of(served: &mut Served) -> Self {
        let state = std::mem::take(&mut served.state);
        Self {
            entry: audit::Finished::of(served),
            denied: std::mem::take(&mut served.denied),
            component: served.component,
            state: if served.ending.is_ok() { state } else { Vec::new() },
        }
    }

    pub(crate) fn write(
        self,
        work: &mut Work<'_>,
        id: RequestId,
        peer: Option<PeerId>,
        skill: &str,
    ) -> Result<(), DeskError> {
        self.entry.write(work, id, peer, skill)?;
        for denied in &self.denied {
            audit::access_denied(work, id, peer, skill, denied)?;
        }
        let Some(component) = self.component.filter(|_| !self.state.is_empty()) else { return Ok(()) };
        let buckets: Vec<String> = self.state.iter().map(|write| write.bucket.to_string()).collect();
        let named = self.state.iter().zip(&buckets);
        let changes: Vec<_> = named.map(|(write, bucket)| change(write, bucket)).collect();
        Ok(work.tx.apply_state(component, &changes)?)
    }
}

fn change<'a>(write: &'a StateWrite, bucket: &'a str) -> StateChange<'a> {
    StateChange { bucket, key: &write.key, value: write.value.as_deref() }
}

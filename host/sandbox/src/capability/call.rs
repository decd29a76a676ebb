//! `coworker:skill/call`: what a skill learns of the call it answers.

use coworker_policy::gate::Pseudonym;
use coworker_policy::{Capability, Tier};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::coworker::skill::call::{Host, TrustTier, add_to_linker};
use crate::guest::Guest;

pub(crate) struct CallState {
    pub(crate) tier: Tier,
    /// Nobody, while a component describes itself.
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) deadline: Instant,
    pub(crate) stop: CancellationToken,
    /// Bytes of partial output and progress notes. They are counted and dropped: nobody listens yet, and
    /// nothing is kept, so the guest can fill nothing with them.
    pub(crate) emitted: usize,
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl Host for Guest {
    async fn tier(&mut self) -> TrustTier {
        if !self.enter(Capability::Call).await {
            return TrustTier::Untrusted;
        }
        match self.call.tier {
            Tier::Untrusted => TrustTier::Untrusted,
            Tier::Known => TrustTier::Known,
            Tier::Internal => TrustTier::Internal,
            Tier::Privileged => TrustTier::Privileged,
        }
    }

    async fn caller(&mut self) -> String {
        let allowed = self.enter(Capability::Call).await;
        self.call.caller.filter(|_| allowed).map(|caller| caller.to_string()).unwrap_or_default()
    }

    async fn remaining_ms(&mut self) -> u64 {
        if !self.enter(Capability::Call).await {
            return 0;
        }
        let left = self.call.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }

    async fn is_cancelled(&mut self) -> bool {
        self.enter(Capability::Call).await && self.call.stop.is_cancelled()
    }

    async fn progress(&mut self, _percent: u8, note: String) {
        if self.enter(Capability::Call).await {
            self.call.emitted = self.call.emitted.saturating_add(note.len());
        }
    }

    async fn emit(&mut self, part: String) {
        if self.enter(Capability::Call).await {
            self.call.emitted = self.call.emitted.saturating_add(part.len());
        }
    }
}

//! `coworker:skill/call`: what a skill learns of the call it answers.

use coworker_policy::gate::{CheckedPart, Pseudonym, StreamTerms};
use coworker_policy::{Capability, Refusal, Tier};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::coworker::skill::call::{Host, TrustTier, add_to_linker};
use crate::guest::Guest;
use crate::stream::Speaker;

pub(crate) struct CallState {
    pub(crate) tier: Tier,
    /// Nobody, while a component describes itself.
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) deadline: Instant,
    pub(crate) stop: CancellationToken,
    pub(crate) speaker: Speaker,
    /// The gate of what is told; none while a component describes itself, and then nothing is told.
    pub(crate) stream: Option<StreamTerms>,
    /// Bytes of parts of output and progress notes, those that nobody heard included.
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

    async fn progress(&mut self, percent: u8, note: String) {
        if !self.enter(Capability::Call).await {
            return;
        }
        self.call.emitted = self.call.emitted.saturating_add(note.len());
        if let Some(terms) = &self.call.stream {
            self.call.speaker.note(|| terms.note(percent, &note));
        }
    }

    /// A part that may not leave ends the call: an answer whose parts are missing would mislead. One that waits
    /// to be judged with what follows comes out later.
    async fn emit(&mut self, part: String) -> wasmtime::Result<()> {
        if self.enter(Capability::Call).await { self.emit_part(part).await } else { Ok(()) }
    }
}

impl Guest {
    /// The one way of a part of the output to the caller: through its gate.
    pub(crate) async fn emit_part(&mut self, part: String) -> wasmtime::Result<()> {
        self.call.emitted = self.call.emitted.saturating_add(part.len());
        for part in self.call.judge(part).await? {
            self.call.speaker.part(part).await;
        }
        Ok(())
    }
}

/// Bytes of a part that are compared with private text where other tasks would wait for it.
const SHORT: usize = 64 * 1024;

impl CallState {
    /// What may leave now. Nothing, from then on, if this is broken off.
    async fn judge(&mut self, part: String) -> wasmtime::Result<Vec<CheckedPart>> {
        if part.len() <= SHORT {
            return Ok(self.stream.as_mut().map_or(Ok(Vec::new()), |terms| terms.part(part))?);
        }
        let Some(mut terms) = self.stream.take() else { return Ok(Vec::new()) };
        let (terms, parts) = spawn_blocking(move || {
            let parts = terms.part(part);
            (terms, parts)
        })
        .await?;
        self.stream = Some(terms);
        Ok(parts?)
    }

    /// The guest is done: the parts that wait for more have to leave now, or may not.
    pub(crate) async fn finish(&mut self) -> Result<(), Refusal> {
        if let Some(terms) = &mut self.stream {
            for part in terms.finish()? {
                self.speaker.part(part).await;
            }
        }
        Ok(())
    }
}

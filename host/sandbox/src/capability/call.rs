//! `coworker:skill/call`: the tier and pseudonym of the caller, the time left, progress and parts of the output.

use coworker_policy::gate::{CheckedPart, Pseudonym, StreamTerms};
use coworker_policy::{Capability, Refusal, Tier};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasData, Linker};

use crate::access::Access;
use crate::bindings::coworker::skill::call::{Host, TrustTier, add_to_linker};
use crate::stream::StreamSender;

/// Longest part that is compared with private text on the async thread, in bytes.
const SHORT: usize = 64 * 1024;

pub(crate) struct CallState {
    pub(crate) tier: Tier,
    /// `None` while a component describes itself.
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) deadline: Instant,
    pub(crate) stop: CancellationToken,
    pub(crate) sender: StreamSender,
    /// The gate for parts and notes. `None` while a component describes itself; then nothing leaves.
    pub(crate) terms: Option<StreamTerms>,
    /// Bytes of output parts and progress notes, including those that had no receiver.
    pub(crate) emitted: usize,
}

impl CallState {
    /// Sends a part of the output to the caller. Every part leaves through here, and so through its gate.
    pub(crate) async fn emit_part(&mut self, part: String) -> wasmtime::Result<()> {
        self.emitted = self.emitted.saturating_add(part.len());
        for part in self.check(part).await? {
            self.sender.part(part).await;
        }
        Ok(())
    }

    /// Returns the parts that may leave now. If this future is dropped, nothing may leave any more.
    async fn check(&mut self, part: String) -> wasmtime::Result<Vec<CheckedPart>> {
        if part.len() <= SHORT {
            return Ok(self.terms.as_mut().map_or(Ok(Vec::new()), |terms| terms.part(part))?);
        }
        let Some(mut terms) = self.terms.take() else { return Ok(Vec::new()) };
        let (terms, parts) = spawn_blocking(move || {
            let parts = terms.part(part);
            (terms, parts)
        })
        .await?;
        self.terms = Some(terms);
        Ok(parts?)
    }

    /// Sends the parts that the gate held back until it saw the next one, once there is no next one.
    pub(crate) async fn finish(&mut self) -> Result<(), Refusal> {
        if let Some(terms) = &mut self.terms {
            for part in terms.finish()? {
                self.sender.part(part).await;
            }
        }
        Ok(())
    }
}

/// The interface during one host call.
pub(crate) struct CallHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) call: &'a mut CallState,
}

struct HasCall;

impl HasData for HasCall {
    type Data<'a> = CallHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> CallHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasCall>(linker, host)
}

impl Host for CallHost<'_> {
    async fn tier(&mut self) -> TrustTier {
        if !self.access.enter(Capability::Call).await {
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
        let allowed = self.access.enter(Capability::Call).await;
        self.call.caller.filter(|_| allowed).map(|caller| caller.to_string()).unwrap_or_default()
    }

    async fn remaining_ms(&mut self) -> u64 {
        if !self.access.enter(Capability::Call).await {
            return 0;
        }
        let left = self.call.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }

    async fn is_cancelled(&mut self) -> bool {
        self.access.enter(Capability::Call).await && self.call.stop.is_cancelled()
    }

    async fn progress(&mut self, percent: u8, note: String) {
        if !self.access.enter(Capability::Call).await {
            return;
        }
        self.call.emitted = self.call.emitted.saturating_add(note.len());
        if let Some(terms) = &self.call.terms {
            self.call.sender.note(|| terms.note(percent, &note));
        }
    }

    /// A part that may not leave ends the call, since an answer with missing parts would mislead.
    async fn emit(&mut self, part: String) -> wasmtime::Result<()> {
        if self.access.enter(Capability::Call).await { self.call.emit_part(part).await } else { Ok(()) }
    }
}
